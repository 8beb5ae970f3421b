#include "engine/partition/directory.h"

#include <algorithm>

#include "pool/invariant.h"

namespace caveat {

namespace {
constexpr std::size_t kSharedOverhead = 16;  // the counters of a shared pointer
}

PartitionGroup::PartitionGroup(std::span<const PartitionEntry> sorted)
    : entries(sorted.begin(), sorted.end()) {
  CAVEAT_ASSERT(!entries.empty() && entries.size() <= kGroupPartitions);
  nodes_.fill(~NodeId{0});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const PartitionEntry& entry = entries[i];
    nodes_[i] = entry.lower.node_id;
    if (entry.filter) filter_bytes_ += entry.filter->memory_bytes() + kSharedOverhead;
    probes_[i] = {entry.id, entry.version, entry.filter ? entry.filter->bits() : KeyFilter::Bits()};
  }
  for (std::size_t i = 0; i < every_eighth_.size(); ++i) every_eighth_[i] = nodes_[i * kStep];
}

std::size_t PartitionGroup::locate(const ExceptionKey& key) const noexcept {
  // Counting needs no branch that could be mispredicted.
  std::size_t eighths = 0;
  for (const NodeId node : every_eighth_) eighths += node <= key.node_id ? 1U : 0U;
  CAVEAT_ASSERT(eighths > 0);  // the key is not below the group's first
  const std::size_t from = (eighths - 1) * kStep;
  std::size_t index = from;
  for (std::size_t i = 1; i < kStep; ++i) index += nodes_[from + i] <= key.node_id ? 1U : 0U;
  index = std::min(index, entries.size() - 1);
  if (nodes_[index] != key.node_id) [[likely]]
    return index;
  // The node begins a partition, or spans several: now property hashes decide.
  const PartitionEntry* base = entries.data();
  for (std::size_t length = index + 1; length > 1;) {
    const std::size_t half = length / 2;
    base = base[half].lower <= key ? base + half : base;
    length -= half;
  }
  return static_cast<std::size_t>(base - entries.data());
}

Directory::Directory(std::vector<std::shared_ptr<const PartitionGroup>> groups)
    : groups_(std::move(groups)) {
  lowers_.reserve(groups_.size());
  for (const auto& group : groups_) {
    CAVEAT_ASSERT(lowers_.empty() || lowers_.back() < group->lower());
    lowers_.push_back(group->lower());
    partition_count_ += group->entries.size();
  }
  CAVEAT_ASSERT(lowers_.empty() || lowers_.front() == ExceptionKey{});
}

Directory::Position Directory::locate(const ExceptionKey& key) const noexcept {
  CAVEAT_ASSERT(!empty());
  // Branch-free halving: the loop's length depends on the size alone.
  const ExceptionKey* base = lowers_.data();
  for (std::size_t length = lowers_.size(); length > 1;) {
    const std::size_t half = length / 2;
    base = base[half] <= key ? base + half : base;
    length -= half;
  }
  const auto group = static_cast<std::size_t>(base - lowers_.data());
  return {group, groups_[group]->locate(key)};
}

Directory::Position Directory::next(Position position) const noexcept {
  if (++position.index == groups_[position.group]->entries.size()) return {position.group + 1, 0};
  return position;
}

Directory::Position Directory::prev(Position position) const noexcept {
  if (position.index > 0) return {position.group, position.index - 1};
  return {position.group - 1, groups_[position.group - 1]->entries.size() - 1};
}

std::optional<ExceptionKey> Directory::upper_bound(Position position) const noexcept {
  const Position after = next(position);
  if (after == end()) return kNoUpperBound;
  return at(after).lower;
}

std::size_t Directory::memory_bytes() const noexcept {
  std::size_t bytes = groups_.capacity() * sizeof(groups_[0]) + lowers_.capacity() * 16;
  for (const auto& group : groups_) {
    bytes += sizeof(*group) + kSharedOverhead + group->entries.capacity() * sizeof(PartitionEntry);
  }
  return bytes;
}

std::size_t Directory::filter_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& group : groups_) bytes += group->filter_bytes();
  return bytes;
}

void DirectoryEditor::replace(const ExceptionKey& first, const std::optional<ExceptionKey>& last,
                              std::vector<PartitionEntry> entries) {
  CAVEAT_ASSERT(edits_.empty() || (edits_.back().last && *edits_.back().last <= first));
  CAVEAT_ASSERT(entries.empty() || entries.front().lower == first);
  edits_.push_back({first, last, std::move(entries)});
}

std::shared_ptr<const Directory> DirectoryEditor::finish() {
  std::vector<std::shared_ptr<const PartitionGroup>> groups;
  groups.reserve(base_.groups().size() + edits_.size());
  std::vector<PartitionEntry> open;  // entries of the group being written
  const auto close_group = [&] {
    // Cut evenly, so that the next insertions find room in each.
    const std::size_t pieces = (open.size() + kGroupPartitions - 1) / kGroupPartitions;
    for (std::size_t i = 0, from = 0; i < pieces; ++i) {
      const std::size_t to = open.size() * (i + 1) / pieces;
      groups.push_back(make_lasting<PartitionGroup>(
          std::span<const PartitionEntry>(open).subspan(from, to - from)));
      from = to;
    }
    open.clear();
  };

  auto edit = edits_.begin();
  for (std::size_t g = 0; g < base_.groups().size(); ++g) {
    const auto& group = base_.groups()[g];
    const bool is_last = g + 1 == base_.groups().size();
    const auto reaches = [&](const Edit& e) {  // does the edit begin before the group's end?
      return is_last || e.first < base_.groups()[g + 1]->lower();
    };
    // (What is open goes on in an edit that reaches here.)
    if (edit == edits_.end() || !reaches(*edit)) {
      groups.push_back(group);
      continue;
    }
    std::size_t i = 0;
    const auto& entries = group->entries;
    bool swallowed_by_next = false;
    while (edit != edits_.end() && reaches(*edit)) {
      while (i < entries.size() && entries[i].lower < edit->first) open.push_back(entries[i++]);
      while (i < entries.size() && (!edit->last || entries[i].lower < *edit->last)) ++i;
      // An edit that goes on into the next group is finished there.
      if (i == entries.size() && !is_last &&
          (!edit->last || base_.groups()[g + 1]->lower() < *edit->last)) {
        for (auto& entry : edit->entries) open.push_back(std::move(entry));
        edit->entries.clear();
        edit->first = base_.groups()[g + 1]->lower();
        swallowed_by_next = true;
        break;
      }
      for (auto& entry : edit->entries) open.push_back(std::move(entry));
      ++edit;
    }
    while (i < entries.size()) open.push_back(entries[i++]);
    if (!swallowed_by_next && !open.empty()) close_group();
  }
  for (; edit != edits_.end(); ++edit) {
    for (auto& entry : edit->entries) open.push_back(std::move(entry));
  }
  if (!open.empty()) close_group();
  return std::make_shared<const Directory>(std::move(groups));
}

}  // namespace caveat
