// Pieces of ShardedCache: its entries, the readers' table and the memory of past touches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "pool/hazard.h"
#include "pool/invariant.h"

namespace caveat::detail {

// What malloc adds to a small allocation, counted into every charge.
inline constexpr std::size_t kHeapOverhead = 16;

template <class Key, class Value>
struct CacheEntry {
  CacheEntry(const Key& k, std::uint64_t h, std::shared_ptr<const Value> v, std::size_t bytes)
      : key(k), hash(h), value(std::move(v)), charge(bytes) {}

  const Key key;
  const std::uint64_t hash;
  const std::shared_ptr<const Value> value;
  const std::size_t charge;
  // Touches since the hand last passed, at most kHeatMax. Readers write it only while it grows.
  mutable std::atomic<std::uint8_t> heat{0};
  bool pinned = false;  // only while the retired list is gone through
  // The queue, or the list of retired entries; the writer's alone.
  CacheEntry* previous = nullptr;
  CacheEntry* next = nullptr;
};

// Open addressing with linear probing; one writer, any number of readers without a lock. A reader
// may miss an entry that is just being moved; it never finds a wrong one, as it compares the key
// in the entry that it pinned.
template <class Entry>
class CacheTable {
 public:
  struct Slot {
    std::atomic<std::uint64_t> hash{0};
    std::atomic<const Entry*> entry{nullptr};  // null: free
  };

  // Null when out of memory. `size` is a power of two.
  [[nodiscard]] static std::unique_ptr<CacheTable> make(std::size_t size) noexcept {
    std::unique_ptr<CacheTable> table(new (std::nothrow) CacheTable(size));
    if (table != nullptr) table->slots_.reset(new (std::nothrow) Slot[size]);
    return table != nullptr && table->slots_ != nullptr ? std::move(table) : nullptr;
  }

  // The table that this one replaced; it lives as long, as readers may still be in it.
  void set_older(std::unique_ptr<CacheTable> older) noexcept { older_ = std::move(older); }

  [[nodiscard]] std::size_t size() const noexcept { return mask_ + 1; }
  [[nodiscard]] static constexpr std::size_t bytes(std::size_t size) noexcept {
    return sizeof(CacheTable) + size * sizeof(Slot) + 2 * kHeapOverhead;
  }

  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[hash & mask_]); }
  // What the slot names may be gone by now: nothing of it is read.
  void prefetch_entry(std::uint64_t hash) const noexcept {
    __builtin_prefetch(slots_[hash & mask_].entry.load(std::memory_order_relaxed));
  }

  // Readers: the pinned entry with this key, or an empty pin.
  template <class Key>
  [[nodiscard]] HazardPtr<Entry> find(const Key& key, std::uint64_t hash) const noexcept {
    for (std::size_t i = hash & mask_, steps = 0; steps <= mask_; i = (i + 1) & mask_, ++steps) {
      const Slot& slot = slots_[i];
      if (slot.hash.load(std::memory_order_relaxed) == hash) {
        auto pin = HazardPtr<Entry>::pin(slot.entry);
        if (pin && pin->key == key) return pin;
      } else if (slot.entry.load(std::memory_order_relaxed) == nullptr) {
        break;
      }
    }
    return {};
  }

  // The writer's own lookup.
  template <class Key>
  [[nodiscard]] Entry* find_owned(const Key& key, std::uint64_t hash) const noexcept {
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Entry* entry = slots_[i].entry.load(std::memory_order_relaxed);
      if (entry == nullptr) return nullptr;
      if (hash_at(i) == hash && entry->key == key) return const_cast<Entry*>(entry);
    }
  }

  // There must be a free slot besides the one taken.
  void add(const Entry* entry) noexcept {
    std::size_t i = entry->hash & mask_;
    while (slots_[i].entry.load(std::memory_order_relaxed) != nullptr) i = (i + 1) & mask_;
    set(i, entry->hash, entry);
  }

  // The entry must be there. Closes the gap, so that there are no tombstones.
  void remove(const Entry* entry) noexcept {
    std::size_t gap = entry->hash & mask_;
    while (slots_[gap].entry.load(std::memory_order_relaxed) != entry) gap = (gap + 1) & mask_;
    for (std::size_t i = (gap + 1) & mask_;; i = (i + 1) & mask_) {
      const Entry* mover = slots_[i].entry.load(std::memory_order_relaxed);
      if (mover == nullptr) break;
      // It may move when its home is not between the gap (excluded) and where it is. The hash is
      // read here and not in the entry, which is most likely not in the CPU's caches.
      const std::uint64_t hash = hash_at(i);
      if (((i - (hash & mask_)) & mask_) >= ((i - gap) & mask_)) {
        set(gap, hash, mover);
        gap = i;
      }
    }
    set(gap, 0, nullptr);
  }

  // Readers that still look here find nothing, and no pin taken here from now on is valid.
  void clear() noexcept {
    for (std::size_t i = 0; i <= mask_; ++i) set(i, 0, nullptr);
  }

 private:
  [[nodiscard]] std::uint64_t hash_at(std::size_t i) const noexcept {
    return slots_[i].hash.load(std::memory_order_relaxed);
  }
  explicit CacheTable(std::size_t size) noexcept : mask_(size - 1) {}

  void set(std::size_t i, std::uint64_t hash, const Entry* entry) noexcept {
    slots_[i].hash.store(hash, std::memory_order_relaxed);
    slots_[i].entry.store(entry, std::memory_order_seq_cst);  // see pool/hazard.h
  }

  const std::size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<CacheTable> older_;
};

}  // namespace caveat::detail
