// The directory: which partition holds a key.
//
// An immutable two-level array. Partitions are kept in groups of at most kGroupPartitions, so that
// a change copies one group and the list of groups, not the whole; versions share the rest.
// Partitions cover all keys: the first one's lower bound is (0, 0), each ends where the next
// begins. An empty store has none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "caveat/types.h"
#include "engine/model/row.h"
#include "engine/partition/key_filter.h"
#include "pool/lasting_memory.h"

namespace caveat {

using PartitionId = std::uint64_t;  // never reused

// Larger than every key that can be stored in a partition's range check: open-ended.
inline constexpr std::optional<ExceptionKey> kNoUpperBound = std::nullopt;

struct PartitionEntry {
  ExceptionKey lower;
  PartitionId id = 0;
  std::uint64_t version = 0;    // of this process; changes whenever the container does
  std::uint32_t rows = 0;       // in the base block
  std::uint32_t run_rows = 0;   // in appended runs: stores and removals, not yet merged
  std::uint32_t bytes = 0;      // of the container
  std::uint64_t raw_bytes = 0;  // plain size of the base block's rows
  Sequence as_of_min = 0;       // oldest as_of of its segments: clears above it are still to apply
  // Null: not in memory; ask the partition. Otherwise never older than the container.
  std::shared_ptr<const KeyFilter> filter;
};

inline constexpr std::size_t kGroupPartitions = 128;

// What a lookup needs of an entry, on half a cache line.
struct PartitionProbe {
  PartitionId id = 0;
  std::uint64_t version = 0;
  KeyFilter::Bits filter;
};
static_assert(sizeof(PartitionProbe) == 32);

// The entries, and what point reads need of them laid out so that finding one touches four cache
// lines: two of every eighth node, one of eight nodes, one probe.
class PartitionGroup {
 public:
  // Sorted by lower; 1 to kGroupPartitions.
  explicit PartitionGroup(std::span<const PartitionEntry> sorted);

  const LastingVector<PartitionEntry> entries;
  [[nodiscard]] const ExceptionKey& lower() const { return entries.front().lower; }
  [[nodiscard]] std::size_t filter_bytes() const noexcept { return filter_bytes_; }
  [[nodiscard]] const PartitionProbe& probe(std::size_t index) const noexcept {
    return probes_[index];
  }
  // Of the last entry whose lower bound is at most `key`; the first one's must be.
  [[nodiscard]] std::size_t locate(const ExceptionKey& key) const noexcept;

 private:
  static constexpr std::size_t kStep = 8;
  std::size_t filter_bytes_ = 0;
  // Padded with the largest node.
  alignas(64) std::array<NodeId, kGroupPartitions / kStep> every_eighth_;
  alignas(64) std::array<NodeId, kGroupPartitions> nodes_;
  alignas(64) std::array<PartitionProbe, kGroupPartitions> probes_;
};

class Directory {
 public:
  // Where a partition is. Valid while the directory lives.
  struct Position {
    std::size_t group = 0;
    std::size_t index = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };

  Directory() = default;
  explicit Directory(std::vector<std::shared_ptr<const PartitionGroup>> groups);

  [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }
  [[nodiscard]] std::size_t partition_count() const noexcept { return partition_count_; }
  [[nodiscard]] const auto& groups() const noexcept { return groups_; }

  // The partition that holds `key`. The directory must not be empty.
  [[nodiscard]] Position locate(const ExceptionKey& key) const noexcept;
  [[nodiscard]] const PartitionEntry& at(Position position) const noexcept {
    return groups_[position.group]->entries[position.index];
  }
  [[nodiscard]] const PartitionProbe& probe(Position position) const noexcept {
    return groups_[position.group]->probe(position.index);
  }
  [[nodiscard]] Position begin() const noexcept { return {0, 0}; }
  [[nodiscard]] Position end() const noexcept { return {groups_.size(), 0}; }
  [[nodiscard]] Position next(Position position) const noexcept;
  [[nodiscard]] Position prev(Position position) const noexcept;  // of a position after begin()

  // First key that is no longer the partition's; nothing for the last partition.
  [[nodiscard]] std::optional<ExceptionKey> upper_bound(Position position) const noexcept;

  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  [[nodiscard]] std::size_t filter_bytes() const noexcept;

 private:
  std::vector<std::shared_ptr<const PartitionGroup>> groups_;
  std::vector<ExceptionKey> lowers_;  // of the groups: searched without touching them
  std::size_t partition_count_ = 0;
};

// Makes the next directory out of one. Used by the mutator alone.
class DirectoryEditor {
 public:
  explicit DirectoryEditor(const Directory& base) : base_(base) {}

  // Replaces the partitions with lower bounds in [first, last) (nothing: to the end) by
  // `entries`, which are sorted, lie in that range, and begin at `first` if any do.
  void replace(const ExceptionKey& first, const std::optional<ExceptionKey>& last,
               std::vector<PartitionEntry> entries);

  [[nodiscard]] std::shared_ptr<const Directory> finish();

 private:
  struct Edit {
    ExceptionKey first;
    std::optional<ExceptionKey> last;
    std::vector<PartitionEntry> entries;
  };
  const Directory& base_;
  std::vector<Edit> edits_;  // sorted and disjoint
};

}  // namespace caveat
