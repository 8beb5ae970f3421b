// The hottest records, each in one allocation of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "caveat/exception_view.h"
#include "engine/cache/block_cache.h"
#include "engine/cache/sharded_cache.h"

namespace caveat {

// What a record was read from. An entry is valid while its stamp is the partition's current one.
struct RecordStamp {
  std::uint64_t partition_id = 0;
  std::uint64_t partition_version = 0;
  friend bool operator==(const RecordStamp&, const RecordStamp&) = default;
};

// A record and its bytes. The view points into the same allocation.
class PinnedRecord {
 public:
  // Copies what the view points to. Null when out of memory.
  [[nodiscard]] static std::shared_ptr<const PinnedRecord> make(
      const RecordStamp& stamp, const ExceptionView& record) noexcept;
  [[nodiscard]] const ExceptionView& view() const noexcept { return view_; }
  [[nodiscard]] const RecordStamp& stamp() const noexcept { return stamp_; }
  // Of its one allocation.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  PinnedRecord(const RecordStamp& stamp, const ExceptionView& record, char* storage,
               std::size_t bytes) noexcept;

  ExceptionView view_;
  RecordStamp stamp_;
  std::size_t bytes_;
};

template <>
struct CacheKeyTraits<ExceptionKey> {
  [[nodiscard]] static std::uint64_t hash(const ExceptionKey& key) noexcept {
    return detail::mix_bits(key.node_id * 0x9E3779B97F4A7C15ULL ^ key.property_hash);
  }
  [[nodiscard]] static std::uint64_t touch_hash(const ExceptionKey& key) noexcept {
    return hash(key);
  }
};

// One entry a key. Thread-safe; see ShardedCache for cost and bounds. A record enters when it is
// wanted for the second time.
class RecordCache {
 public:
  static constexpr std::size_t kTypicalEntryBytes = 384;
  // Larger records stay in their blocks (or out of line), where they cost nothing twice.
  static constexpr std::size_t kRecordBytesMax = std::size_t{4} << 10;

  using Pinned = ShardedCache<ExceptionKey, PinnedRecord>::Pinned;

  explicit RecordCache(std::size_t capacity_bytes) : cache_({capacity_bytes, kTypicalEntryBytes}) {}

  // The record as of the stamp, or nothing. `current` is the caller's stamp for the partition
  // that covers the key.
  [[nodiscard]] Pinned lookup_pinned(const ExceptionKey& key,
                                     const RecordStamp& current) const noexcept {
    return cache_.lookup_if(key,
                            [&](const PinnedRecord& record) { return record.stamp() == current; });
  }
  [[nodiscard]] std::shared_ptr<const PinnedRecord> lookup(
      const ExceptionKey& key, const RecordStamp& current) const noexcept {
    const Pinned pinned = lookup_pinned(key, current);
    return pinned ? pinned.share() : nullptr;
  }

  // After a miss: copies the record and keeps it, if its key was wanted before (or at once; room
  // alone is no reason, as the copy costs more than the block's hit).
  // True if kept. Costs little when not.
  bool insert(const RecordStamp& stamp, const ExceptionView& record,
              Admission admission = Admission::second_touch) noexcept;
  // The same of a copy that was made for somebody else: they share it.
  bool insert(std::shared_ptr<const PinnedRecord> record,
              Admission admission = Admission::second_touch) noexcept;

  bool erase(const ExceptionKey& key) noexcept { return cache_.erase(key); }
  void clear() noexcept { cache_.clear(); }
  void set_capacity(std::size_t capacity_bytes) noexcept { cache_.set_capacity(capacity_bytes); }
  [[nodiscard]] std::size_t bytes() const noexcept { return cache_.bytes(); }
  [[nodiscard]] CacheStatistics statistics() const noexcept { return cache_.statistics(); }

 private:
  [[nodiscard]] bool admits(const ExceptionView& record, Admission admission) noexcept;
  bool keep(std::shared_ptr<const PinnedRecord> record) noexcept;

  ShardedCache<ExceptionKey, PinnedRecord> cache_;
};

}  // namespace caveat
