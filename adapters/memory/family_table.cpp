#include "adapters/memory/family_table.h"

#include <mutex>

#include "pool/invariant.h"

namespace caveat::detail {

const ValueVersion* FamilyTable::find(std::string_view key, Stamp stamp) const noexcept {
  const auto node = map_.find(key);
  return node == map_.end() ? nullptr : node->second.versions.at(stamp);
}

FamilyTable::Node FamilyTable::node_for(std::string_view key) {
  // Log-like families only ever grow at the end: no search for those.
  const bool at_end = map_.empty() || std::string_view(map_.rbegin()->first) < key;
  const auto place = at_end ? map_.end() : map_.lower_bound(key);
  if (place != map_.end() && place->first == key) return place;
  const Node node = map_.emplace_hint(place, std::string(key), TableEntry{});
  bytes_.store(bytes() + footprint(*node), relaxed);
  return node;
}

// Room in both lists before anything changes, so that touch, settle and sweep need no memory.
void FamilyTable::make_room() {
  if (touched_.size() == touched_.capacity()) touched_.reserve(2 * touched_.size() + 8);
  const std::size_t wanted = backlog_.size() + touched_.size() + 1;
  if (backlog_.capacity() < wanted) backlog_.reserve(2 * wanted);
}

void FamilyTable::touch(Node node, Stamp stamp) noexcept {
  if (node->second.touched == stamp) return;
  touched_.push_back(node);
  node->second.touched = stamp;
}

void FamilyTable::put(Stamp stamp, std::string_view key, std::string_view value) {
  make_room();
  const Node node = node_for(key);
  touch(node, stamp);
  change(node, [&](VersionChain& versions) { versions.put(stamp, value); });
}

void FamilyTable::append(Stamp stamp, std::string_view key, std::string_view operand) {
  make_room();
  const Node node = node_for(key);
  touch(node, stamp);
  change(node, [&](VersionChain& versions) { versions.append(stamp, operand); });
}

void FamilyTable::erase(Stamp stamp, std::string_view key) {
  const Node node = map_.find(key);
  if (node == map_.end()) return;
  make_room();
  touch(node, stamp);
  change(node, [&](VersionChain& versions) { versions.erase(stamp); });
}

void FamilyTable::erase_range(Stamp stamp, std::string_view first, std::string_view last) {
  for (Node node = map_.lower_bound(first);
       node != map_.end() && std::string_view(node->first) < last; ++node) {
    make_room();
    touch(node, stamp);
    change(node, [&](VersionChain& versions) { versions.erase(stamp); });
  }
}

void FamilyTable::remove(Node node, Map& garbage) noexcept {
  bytes_.store(bytes() - footprint(*node), relaxed);
  garbage.insert(garbage.end(), map_.extract(node));  // moves a node: allocates nothing
}

void FamilyTable::roll_back(Stamp stamp) noexcept {
  Map garbage;
  for (const Node node : touched_) {
    change(node, [&](VersionChain& versions) { versions.roll_back(stamp); });
    node->second.touched = 0;
    if (node->second.versions.empty() && !node->second.waiting) remove(node, garbage);
  }
  touched_.clear();
}

void FamilyTable::wait(Node node) noexcept {
  CAVEAT_ASSERT(backlog_.size() < backlog_.capacity());
  node->second.waiting = true;
  backlog_.push_back(node);
}

void FamilyTable::settle(std::span<const Stamp> snapshots, Map& garbage) noexcept {
  const std::unique_lock lock(mutex_);
  for (const Node node : touched_) {
    change(node, [&](VersionChain& versions) { versions.prune(snapshots); });
    const TableEntry& entry = node->second;
    if (entry.versions.settled() || entry.waiting) continue;
    entry.versions.empty() ? remove(node, garbage) : wait(node);
  }
  forget_touched();
}

void FamilyTable::defer() noexcept {
  const std::unique_lock lock(mutex_);
  for (const Node node : touched_) {
    if (!node->second.waiting) wait(node);
  }
  forget_touched();
}

void FamilyTable::forget_touched() noexcept {
  touched_.clear();
  // One large batch must not hold its room for ever.
  if (touched_.capacity() > 4096) std::vector<Node>().swap(touched_);
}

void FamilyTable::sweep(std::span<const Stamp> snapshots, Map& garbage) noexcept {
  if (backlog_.empty()) return;  // the writer's own: needs no lock
  const std::unique_lock lock(mutex_);
  std::size_t kept = 0;
  for (const Node node : backlog_) {
    change(node, [&](VersionChain& versions) { versions.prune(snapshots); });
    TableEntry& entry = node->second;
    if (!entry.versions.empty() && !entry.versions.settled()) {
      backlog_[kept++] = node;
      continue;
    }
    entry.waiting = false;
    if (entry.versions.empty()) remove(node, garbage);
  }
  backlog_.erase(backlog_.begin() + static_cast<std::ptrdiff_t>(kept), backlog_.end());
}

void FamilyTable::clear(Map& garbage) noexcept {
  garbage.swap(map_);
  touched_.clear();
  backlog_.clear();
  bytes_.store(0, relaxed);
  keys_.store(0, relaxed);
}

}  // namespace caveat::detail
