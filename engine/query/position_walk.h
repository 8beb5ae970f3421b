// The partitions a query visits, in key order or reverse: a sorted list, or a stretch of the
// directory that is never written out.
#pragma once

#include <memory>
#include <vector>

#include "engine/partition/directory.h"

namespace caveat::detail {

// Immutable, cheap to copy. The directory must outlive it.
class PositionSet {
 public:
  PositionSet() = default;  // no partitions
  static PositionSet all(const Directory& directory);
  // The partitions from the one that holds `first` to the one that holds `last`.
  static PositionSet between(const Directory& directory, const ExceptionKey& first,
                             const ExceptionKey& last);
  // Sorted by place, distinct.
  static PositionSet of(const Directory& directory, std::vector<Directory::Position> positions);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_list() const noexcept { return list_ != nullptr; }
  // Of a list, what lies in the stretch (of the same directory).
  [[nodiscard]] PositionSet within(const PositionSet& stretch) const;
  // Of the partitions of a list, sorted.
  [[nodiscard]] std::vector<PartitionId> ids() const;

 private:
  friend class PositionWalk;
  const Directory* directory_ = nullptr;
  std::shared_ptr<const std::vector<Directory::Position>> list_;
  Directory::Position first_;  // without a list: the first and the last position
  Directory::Position last_;
  std::size_t size_ = 0;
};

// Of stored partitions that a query has in memory at once; one at the least.
inline constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;

class PositionWalk {
 public:
  // `after`: starts with the partition that holds this key.
  PositionWalk(PositionSet set, bool descending, const ExceptionKey* after);

  [[nodiscard]] std::size_t left() const noexcept { return left_; }
  // Takes up to `count` in the walk's direction, fewer where they are large; they come in key order
  // whatever the direction.
  void take(std::size_t count, std::vector<Directory::Position>& out);

 private:
  PositionSet set_;
  bool descending_;
  Directory::Position at_;  // the next one, without a list
  std::size_t index_ = 0;   // the next one of the list
  std::size_t left_ = 0;
};

}  // namespace caveat::detail
