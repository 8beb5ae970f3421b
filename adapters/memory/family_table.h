// One family in memory: an ordered map from key to versions, under one lock.
//
// Writers are serial (the backend's write lock) and work in three steps: apply (changes that carry
// the batch's stamp, seen by nobody), the backend publishes the stamp, settle (drop what the batch
// superseded). Readers take the lock shared for one lookup. Map nodes that a snapshot sees are
// never removed or moved while it lives, so iterators keep plain pointers into them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/memory/version_chain.h"

namespace caveat::detail {

struct TableEntry {
  VersionChain versions;
  Stamp touched = 0;     // the batch that last changed it
  bool waiting = false;  // listed in backlog_
};

class FamilyTable {
 public:
  using Map = std::map<std::string, TableEntry, std::less<>>;
  using Node = Map::iterator;

  // --- Readers: hold mutex() shared -------------------------------------------------------------
  [[nodiscard]] std::shared_mutex& mutex() const noexcept { return mutex_; }
  [[nodiscard]] const Map& map() const noexcept { return map_; }
  [[nodiscard]] const ValueVersion* find(std::string_view key, Stamp stamp) const noexcept;

  // --- The writer: holds the backend's write lock -----------------------------------------------
  // With mutex() held alone. May throw bad_alloc; then roll_back.
  void put(Stamp stamp, std::string_view key, std::string_view value);
  void append(Stamp stamp, std::string_view key, std::string_view operand);
  void erase(Stamp stamp, std::string_view key);
  void erase_range(Stamp stamp, std::string_view first, std::string_view last);
  void roll_back(Stamp stamp) noexcept;

  // Take mutex() themselves. Nodes that end are moved to `garbage`, to be freed under no lock.
  void settle(std::span<const Stamp> snapshots, Map& garbage) noexcept;
  // Instead of settle: leaves it all to the next sweep.
  void defer() noexcept;
  void sweep(std::span<const Stamp> snapshots, Map& garbage) noexcept;

  // Nodes that the batch changed, between apply and settle.
  [[nodiscard]] std::span<const Node> touched() const noexcept { return touched_; }

  // --- Anyone -----------------------------------------------------------------------------------
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(relaxed); }
  [[nodiscard]] std::uint64_t keys() const noexcept { return keys_.load(relaxed); }

  // With mutex() held alone: gives back spare room in up to `count` entries from `from` on, and
  // passes each live value to `visit`. Returns the key to go on with, or an empty string.
  template <class Visit>
  std::string shrink(std::string_view from, std::size_t count, std::span<const Stamp> snapshots,
                     Visit&& visit);

  // With mutex() held alone, when no snapshot is left.
  void clear(Map& garbage) noexcept;

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  // What a map node, its allocation and a value's control block cost beside the bytes themselves.
  static constexpr std::size_t kNodeBytes = sizeof(Map::value_type) + 96;

  Node node_for(std::string_view key);
  void make_room();
  void touch(Node node, Stamp stamp) noexcept;
  void wait(Node node) noexcept;
  void remove(Node node, Map& garbage) noexcept;
  void forget_touched() noexcept;

  [[nodiscard]] static std::size_t footprint(const Map::value_type& item) noexcept {
    return kNodeBytes + item.first.capacity() + item.second.versions.bytes();
  }
  // f(versions), and the counters follow. Only the writer changes them; they are atomic for those
  // who ask.
  template <class F>
  void change(Node node, F&& f) {
    VersionChain& versions = node->second.versions;
    const std::size_t size = footprint(*node);
    const bool live = versions.newest() != nullptr;
    f(versions);
    bytes_.store(bytes() + footprint(*node) - size, relaxed);
    keys_.store(keys() + (versions.newest() != nullptr ? 1U : 0U) - (live ? 1U : 0U), relaxed);
  }

  mutable std::shared_mutex mutex_;
  Map map_;
  std::vector<Node> touched_;
  std::vector<Node> backlog_;  // entries with versions that only snapshots still see
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> keys_{0};
};

template <class Visit>
std::string FamilyTable::shrink(std::string_view from, std::size_t count,
                                std::span<const Stamp> snapshots, Visit&& visit) {
  Node node = map_.lower_bound(from);
  for (; node != map_.end() && count > 0; ++node, --count) {
    change(node, [&](VersionChain& versions) { versions.shrink(snapshots); });
    if (const ValueVersion* value = node->second.versions.newest()) visit(node->first, *value);
  }
  return node == map_.end() ? std::string() : node->first;
}

}  // namespace caveat::detail
