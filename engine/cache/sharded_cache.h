// A cache whose readers take no lock and write to no shared memory.
//
// Eviction is CLOCK over a queue: the oldest entry goes unless it was hit since the hand passed
// it; then it cools by one and queues again (and its value is told, if it has a grow_older() for
// that). A key enters after as many touches as its admission
// asks for. Why this and not LRU or S3-FIFO: docs/decisions/0011-cache-eviction.md.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "caveat/statistics.h"
#include "engine/cache/cache_entry.h"
#include "engine/cache/thread_counters.h"
#include "engine/cache/touch_sketch.h"
#include "pool/hazard.h"
#include "pool/thread_index.h"

namespace caveat {

// Specialise for each key: hash(key), all 64 bits well mixed, and touch_hash(key), the same for
// keys that count as one when admission asks whether a key was seen lately.
template <class Key>
struct CacheKeyTraits;

struct CacheOptions {
  // Bounds entries, their overhead, tables and the touch sketch together. 0: keep nothing.
  std::size_t capacity_bytes = 0;
  // About what an entry takes; sizes the memory of touches and the number of shards.
  std::size_t typical_entry_bytes = 4096;
  // Touches are remembered of so many times the keys that fit.
  std::size_t remembered_factor = 1;
};

// When a value is kept.
enum class Admission : std::uint8_t {
  second_touch,          // its key was touched lately
  room_or_second_touch,  // the same, or nothing has to go for it
  room_or_cold,  // nothing has to go for it; or its key was touched lately, and what goes is
                 // what nobody asked for lately: for what is large beside the others
  earned,        // the fuller the cache, the more touches: where one use gains little
  room,          // nothing has to go for it; does not count as a touch: for scans
  now,           // always
};

// Thread-safe, and never a wrong answer: at worst a miss for an entry that is just being moved.
// Values are shared and constant. Nothing throws save the constructor (std::bad_alloc): when
// memory is short, an entry is not kept.
template <class Key, class Value>
class ShardedCache {
 public:
  using Traits = CacheKeyTraits<Key>;
  using Entry = detail::CacheEntry<Key, Value>;

  // Bytes that an entry takes besides its value.
  static constexpr std::size_t kEntryOverhead = sizeof(Entry) + detail::kHeapOverhead;

  // A value that stays while this lives. Cheaper than a shared_ptr, but bound to its thread, and
  // its bytes stay charged to the cache: for the span of one call.
  class Pinned {
   public:
    Pinned() = default;
    explicit operator bool() const noexcept { return static_cast<bool>(entry_); }
    [[nodiscard]] const Value& operator*() const noexcept { return *entry_->value; }
    [[nodiscard]] const Value* operator->() const noexcept { return entry_->value.get(); }
    // For keeping it longer.
    [[nodiscard]] const std::shared_ptr<const Value>& share() const noexcept {
      return entry_->value;
    }

   private:
    friend class ShardedCache;
    explicit Pinned(HazardPtr<Entry> entry) noexcept : entry_(std::move(entry)) {}
    HazardPtr<Entry> entry_;
  };

  explicit ShardedCache(const CacheOptions& options);
  ~ShardedCache();  // no pin may be left; values that were shared live on
  ShardedCache(const ShardedCache&) = delete;
  ShardedCache& operator=(const ShardedCache&) = delete;

  [[nodiscard]] Pinned lookup_pinned(const Key& key) const noexcept {
    return lookup_if(key, [](const Value&) { return true; });
  }
  // Null where there is none.
  [[nodiscard]] std::shared_ptr<const Value> lookup(const Key& key) const noexcept {
    const Pinned pinned = lookup_pinned(key);
    return pinned ? pinned.share() : nullptr;
  }
  // An entry whose value fails the test is a miss.
  template <class Test>
  [[nodiscard]] Pinned lookup_if(const Key& key, Test&& valid) const noexcept;

  // Fetches the place that a lookup will begin with.
  void prefetch(const Key& key) const noexcept {
    const std::uint64_t hash = hash_of(key);
    const Table* table = shard_of(hash).table.load(std::memory_order_acquire);
    if (table != nullptr) table->prefetch(hash);
  }
  // The same, a step further: after prefetch(), when that has had time.
  void prefetch_entry(const Key& key) const noexcept {
    const std::uint64_t hash = hash_of(key);
    const Table* table = shard_of(hash).table.load(std::memory_order_acquire);
    if (table != nullptr) table->prefetch_entry(hash);
  }

  // Notes that the key was wanted, and says whether insert would keep it: for callers to whom
  // making the value costs something. Then insert with Admission::now.
  [[nodiscard]] bool should_admit(const Key& key) noexcept {
    return sketch_.touch(Traits::touch_hash(key)) > 1;
  }
  // The same, or nothing has to go for it.
  [[nodiscard]] bool wants(const Key& key) noexcept {
    return should_admit(key) || !shard_of(hash_of(key)).full.load(std::memory_order_relaxed);
  }
  // How often Admission::earned wants a key to be touched now.
  [[nodiscard]] unsigned earned_at(const Key& key) const noexcept {
    return shard_of(hash_of(key)).touches_to_earn.load(std::memory_order_relaxed);
  }
  // Is so much room left that larger values of the same use can be made?
  [[nodiscard]] bool half_empty(const Key& key) const noexcept {
    return shard_of(hash_of(key)).half_empty.load(std::memory_order_relaxed);
  }
  // True if the value is kept; then it replaces one of the same key. That goes in any case with
  // Admission::now and second_touch. `value_bytes`: what the value holds, its own allocations
  // included.
  bool insert(const Key& key, std::shared_ptr<const Value> value, std::size_t value_bytes,
              Admission admission = Admission::second_touch) noexcept;

  bool erase(const Key& key) noexcept;  // true if it was there
  void clear() noexcept;
  [[nodiscard]] std::size_t capacity_bytes() const noexcept {
    return capacity_bytes_.load(std::memory_order_relaxed);
  }
  // Evicts down to it at once.
  void set_capacity(std::size_t capacity_bytes) noexcept;

  // Never above the capacity, save for the tables when set_capacity lowered it far.
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] CacheStatistics statistics() const noexcept;

 private:
  using Table = detail::CacheTable<Entry>;
  static constexpr std::size_t kShardsMax = 16;
  static constexpr std::size_t kEntriesInShardMin = 64;  // fewer would evict by chance
  static constexpr std::size_t kTableSizeMin = 16;
  static constexpr std::uint8_t kHeatMax = 3;
  static constexpr unsigned kColdAmong = 16;    // so many of the oldest are asked whether they are
  static constexpr unsigned kCooledInVain = 2;  // where too few were

  struct alignas(detail::kCacheLine) Shard {
    std::atomic<Table*> table{nullptr};  // the only member that readers use
    // The last value that came found no room. A hint that spares scans the lock.
    std::atomic<bool> full{false};
    std::atomic<std::uint8_t> touches_to_earn{1};
    std::atomic<bool> half_empty{true};
    alignas(detail::kCacheLine) mutable std::mutex mutex;
    std::unique_ptr<Table> tables;  // the current one; it owns those before it
    std::size_t limit_bytes = 0;
    std::size_t table_bytes = 0;
    std::size_t live_bytes = 0;
    std::size_t retired_bytes = 0;
    std::size_t count = 0;
    std::uint64_t evictions = 0;
    Entry* oldest = nullptr;
    Entry* newest = nullptr;
    Entry* retired = nullptr;
    [[nodiscard]] std::size_t used_bytes() const noexcept {
      return table_bytes + live_bytes + retired_bytes;
    }
  };
  enum Counter : std::size_t { kHits, kMisses, kCounterCount };

  [[nodiscard]] static std::uint64_t hash_of(const Key& key) noexcept {
    const std::uint64_t hash = Traits::hash(key);
    return hash == 0 ? 1 : hash;  // 0 marks a free slot
  }
  // The table uses the low bits.
  [[nodiscard]] Shard& shard_of(std::uint64_t hash) const noexcept {
    return shards_[(hash >> 40) & (shard_count_ - 1)];
  }
  [[nodiscard]] std::size_t shard_limit(std::size_t capacity_bytes) const noexcept {
    return (capacity_bytes - std::min(capacity_bytes, sketch_.bytes())) / shard_count_;
  }

  // These need the shard's mutex. Entries to be freed go to `dead`, for after the lock.
  static bool make_room(Shard& shard, std::size_t bytes, Entry*& dead) noexcept;
  static bool evict_cold(Shard& shard, std::size_t bytes, const Entry* but) noexcept;
  static void cool_oldest(Shard& shard) noexcept;
  static bool grow_table(Shard& shard, Entry*& dead) noexcept;
  static void link(Shard& shard, Entry* entry) noexcept;
  static void unlink(Shard& shard, Entry* entry) noexcept;
  static void retire(Shard& shard, Entry* entry) noexcept;
  static void evict_one(Shard& shard) noexcept;
  static void reclaim(Shard& shard, Entry*& dead) noexcept;
  // What Admission::earned asks for, and half_empty, while a shard holds as much as it does.
  static void note_fill(Shard& shard) noexcept;
  // Is there room for a value, and for the table if that has to grow?
  static bool has_room(const Shard& shard, std::size_t bytes) noexcept;
  static void free_all(Entry* dead) noexcept;

  detail::TouchSketch sketch_;
  const std::size_t shard_count_;  // a power of two
  const std::unique_ptr<Shard[]> shards_;
  std::atomic<std::size_t> capacity_bytes_;
  mutable detail::ThreadCounters<kCounterCount> counters_;
};

}  // namespace caveat

#include "engine/cache/sharded_cache_impl.h"
