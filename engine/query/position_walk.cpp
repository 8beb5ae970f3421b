#include "engine/query/position_walk.h"

#include <algorithm>

#include "pool/invariant.h"

namespace caveat::detail {
namespace {

bool before(Directory::Position a, Directory::Position b) noexcept {
  return a.group != b.group ? a.group < b.group : a.index < b.index;
}

// Partitions from a to b, both counted.
std::size_t stretch(const Directory& directory, Directory::Position a, Directory::Position b) {
  if (before(b, a)) return 0;
  if (a.group == b.group) return b.index - a.index + 1;
  std::size_t count = directory.groups()[a.group]->entries.size() - a.index + b.index + 1;
  for (auto group = a.group + 1; group < b.group; ++group) {
    count += directory.groups()[group]->entries.size();
  }
  return count;
}

}  // namespace

PositionSet PositionSet::all(const Directory& directory) {
  CAVEAT_ASSERT(!directory.empty());
  PositionSet set;
  set.directory_ = &directory;
  set.last_ = directory.prev(directory.end());
  set.size_ = directory.partition_count();
  return set;
}

PositionSet PositionSet::between(const Directory& directory, const ExceptionKey& first,
                                 const ExceptionKey& last) {
  CAVEAT_ASSERT(!directory.empty());
  PositionSet set;
  set.directory_ = &directory;
  set.first_ = directory.locate(first);
  set.last_ = directory.locate(last);
  set.size_ = stretch(directory, set.first_, set.last_);
  return set;
}

PositionSet PositionSet::of(const Directory& directory,
                            std::vector<Directory::Position> positions) {
  PositionSet set;
  set.directory_ = &directory;
  set.size_ = positions.size();
  set.list_ = std::make_shared<const std::vector<Directory::Position>>(std::move(positions));
  return set;
}

PositionSet PositionSet::within(const PositionSet& stretch) const {
  CAVEAT_ASSERT(is_list() && !stretch.is_list());
  if (stretch.size() == 0) return {};
  const auto first = std::lower_bound(list_->begin(), list_->end(), stretch.first_, before);
  const auto end = std::upper_bound(first, list_->end(), stretch.last_, before);
  return of(*directory_, {first, end});
}

std::vector<PartitionId> PositionSet::ids() const {
  CAVEAT_ASSERT(is_list());
  std::vector<PartitionId> ids;
  ids.reserve(list_->size());
  for (const auto& position : *list_) ids.push_back(directory_->at(position).id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

PositionWalk::PositionWalk(PositionSet set, bool descending, const ExceptionKey* after)
    : set_(std::move(set)), descending_(descending), left_(set_.size_) {
  if (left_ == 0) return;
  index_ = descending ? left_ - 1 : 0;
  at_ = descending ? set_.last_ : set_.first_;
  if (after == nullptr) return;

  const auto target = set_.directory_->locate(*after);
  if (set_.list_) {
    const auto& list = *set_.list_;
    if (descending) {
      const auto end = std::upper_bound(list.begin(), list.end(), target, before);
      left_ = static_cast<std::size_t>(end - list.begin());
      index_ = left_ == 0 ? 0 : left_ - 1;
    } else {
      const auto begin = std::lower_bound(list.begin(), list.end(), target, before);
      index_ = static_cast<std::size_t>(begin - list.begin());
      left_ = list.size() - index_;
    }
  } else if (descending ? before(target, at_) : before(at_, target)) {
    at_ = target;
    left_ = descending ? stretch(*set_.directory_, set_.first_, at_)
                       : stretch(*set_.directory_, at_, set_.last_);
  }
}

void PositionWalk::take(std::size_t count, std::vector<Directory::Position>& out) {
  out.clear();
  std::size_t bytes = 0;
  for (count = std::min(count, left_); count > 0 && bytes < kBatchBytesMax; --count) {
    if (set_.list_) {
      out.push_back((*set_.list_)[index_]);
      if (--left_ > 0) index_ = descending_ ? index_ - 1 : index_ + 1;
    } else {
      out.push_back(at_);
      if (--left_ > 0) {
        at_ = descending_ ? set_.directory_->prev(at_) : set_.directory_->next(at_);
      }
    }
    bytes += set_.directory_->at(out.back()).bytes;
  }
  if (descending_) std::reverse(out.begin(), out.end());
}

}  // namespace caveat::detail
