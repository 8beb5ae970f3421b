// A hash table of delta rows: one writer, any number of readers without locks.
//
// Open addressing in groups of eight. A group's eight tags (7 bits of the hash each, high bit set;
// 0: free) are one 64-bit word, so a miss costs one load in a dense array: a byte a slot, which
// stays in the caches. Growing publishes a bigger table; readers of the old one miss only rows
// that came after they fixed their ceiling. Tables lie on the generation's arena and go with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/delta/delta_row.h"
#include "pool/arena.h"

namespace caveat::detail {

class RowTable {
 public:
  using Slot = std::atomic<const DeltaRow*>;

  RowTable() = default;
  RowTable(const RowTable&) = delete;
  RowTable& operator=(const RowTable&) = delete;

  [[nodiscard]] bool empty() const noexcept {
    return block_.load(std::memory_order_acquire) == nullptr;
  }

  // The row for which matches(row) holds, or null. `hash` is hash_of the key looked for.
  template <class Matches>
  [[nodiscard]] const DeltaRow* find(std::uint64_t hash, const Matches& matches) const noexcept {
    const Block* block = block_.load(std::memory_order_acquire);
    if (block == nullptr) return nullptr;
    const Slot* slot = block->find(hash, matches);
    return slot == nullptr ? nullptr : slot->load(std::memory_order_acquire);
  }

  // --- The writer's ------------------------------------------------------------------------------

  // The slot to replace with set(), or null.
  template <class Matches>
  [[nodiscard]] Slot* find_slot(std::uint64_t hash, const Matches& matches) noexcept {
    Block* block = block_.load(std::memory_order_relaxed);
    return block == nullptr ? nullptr : const_cast<Slot*>(block->find(hash, matches));
  }
  static void replace(Slot& slot, const DeltaRow* row) noexcept {
    slot.store(row, std::memory_order_release);
  }
  // Makes room for `rows` in all. `hash_of(row)` must give what add() was given for it.
  template <class HashOf>
  void reserve(std::size_t rows, Arena& arena, const HashOf& hash_of);
  // Needs room (reserve) and that no row matches yet.
  void add(std::uint64_t hash, const DeltaRow* row) noexcept {
    block_.load(std::memory_order_relaxed)->add(hash, row);
  }

  [[nodiscard]] std::size_t size() const noexcept {
    const Block* block = block_.load(std::memory_order_acquire);
    return block == nullptr ? 0 : block->used.load(std::memory_order_relaxed);
  }
  // Three steps of a search, each to be taken when the one before has had time.
  void prefetch(std::uint64_t hash) const noexcept {
    const Block* block = block_.load(std::memory_order_relaxed);
    if (block != nullptr) __builtin_prefetch(&block->tags[hash & block->group_mask]);
  }

  void prefetch_slot(std::uint64_t hash) const noexcept {
    const Block* block = block_.load(std::memory_order_relaxed);
    if (block != nullptr) __builtin_prefetch(block->likely(hash));
  }
  void prefetch_row(std::uint64_t hash) const noexcept {
    const Block* block = block_.load(std::memory_order_relaxed);
    if (block != nullptr) __builtin_prefetch(block->likely(hash)->load(std::memory_order_relaxed));
  }

  // All rows, in no order.
  template <class Visit>
  void for_each(const Visit& visit) const;

 private:
  static constexpr std::size_t kGroup = 8;
  static constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  static constexpr std::uint64_t kLowBits = 0x0101010101010101ULL;

  struct Block {
    std::size_t group_mask;
    std::size_t limit;              // rows at which it grows: 3/4 of the slots
    std::atomic<std::size_t> used;  // written by the writer only
    std::atomic<std::uint64_t>* tags;
    Slot* slots;

    template <class Matches>
    [[nodiscard]] const Slot* find(std::uint64_t hash, const Matches& matches) const noexcept;
    void add(std::uint64_t hash, const DeltaRow* row) noexcept;
    // The first slot of the hash's group whose tag fits, or, if none does, the first free one.
    [[nodiscard]] const Slot* likely(std::uint64_t hash) const noexcept {
      const std::size_t group = hash & group_mask;
      const std::uint64_t word = tags[group].load(std::memory_order_relaxed);
      const std::uint64_t x = word ^ (tag_of(hash) * kLowBits);
      std::uint64_t hits = (x - kLowBits) & ~x & kHighBits;
      if (hits == 0) hits = ~word & kHighBits;
      const int byte = hits == 0 ? 0 : __builtin_ctzll(hits) / 8;
      return &slots[group * kGroup + static_cast<std::size_t>(byte)];
    }
  };

  static std::uint64_t tag_of(std::uint64_t hash) noexcept { return 0x80 | (hash >> 57); }
  static Block* make_block(std::size_t rows, Arena& arena);

  std::atomic<Block*> block_{nullptr};
};

template <class Matches>
const RowTable::Slot* RowTable::Block::find(std::uint64_t hash,
                                            const Matches& matches) const noexcept {
  const std::uint64_t pattern = tag_of(hash) * kLowBits;
  for (std::size_t group = hash & group_mask;; group = (group + 1) & group_mask) {
    const std::uint64_t word = tags[group].load(std::memory_order_acquire);
    // Bytes of `x` that are zero are those that match; a false match is sorted out by the key.
    const std::uint64_t x = word ^ pattern;
    std::uint64_t hits = (x - kLowBits) & ~x & kHighBits;
    for (; hits != 0; hits &= hits - 1) {
      const std::size_t byte = static_cast<std::size_t>(__builtin_ctzll(hits)) / 8;
      const Slot* slot = &slots[group * kGroup + byte];
      const DeltaRow* row = slot->load(std::memory_order_acquire);
      if (row != nullptr && matches(*row)) return slot;
    }
    if ((~word & kHighBits) != 0) return nullptr;  // a free slot ends the search
  }
}

template <class Visit>
void RowTable::for_each(const Visit& visit) const {
  const Block* block = block_.load(std::memory_order_acquire);
  if (block == nullptr) return;
  for (std::size_t i = 0; i < (block->group_mask + 1) * kGroup; ++i) {
    const DeltaRow* row = block->slots[i].load(std::memory_order_acquire);
    if (row != nullptr) visit(*row);
  }
}

template <class HashOf>
void RowTable::reserve(std::size_t rows, Arena& arena, const HashOf& hash_of) {
  const Block* old = block_.load(std::memory_order_relaxed);
  if (old != nullptr && rows <= old->limit) return;
  // At least doubled, so that growing row by row stays linear.
  Block* block = make_block(old == nullptr || rows > old->limit * 2 ? rows : old->limit * 2, arena);
  for_each([&](const DeltaRow& row) { block->add(hash_of(row), &row); });
  block_.store(block, std::memory_order_release);
}

}  // namespace caveat::detail
