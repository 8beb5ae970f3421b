// Clears that the delta has let go of and that are not yet applied to every partition.
//
// A clear with sequence s hides the rows of its node or property in all segments whose as_of is
// below s. Rewrites apply it; when no such segment is left, it is dropped. Immutable; a version
// holds one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "caveat/types.h"
#include "engine/model/row.h"

namespace caveat {

class ClearList {
 public:
  [[nodiscard]] bool empty() const noexcept { return nodes_.empty() && properties_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size() + properties_.size(); }

  // Of the latest clear; 0 without any. A segment of that as_of and above has nothing hidden.
  [[nodiscard]] Sequence newest() const noexcept { return newest_; }

  // Is a row of this key, in a segment of this as_of, hidden?
  [[nodiscard]] bool hides(const ExceptionKey& key, Sequence as_of) const noexcept {
    if (newest_ <= as_of) return false;
    return above(nodes_, key.node_id, as_of) || above(properties_, key.property_hash, as_of);
  }

  // Of several clears of one thing the latest counts.
  void add_node(NodeId node, Sequence sequence) { add(nodes_, node, sequence); }
  void add_property(PropertyHash property, Sequence sequence) {
    add(properties_, property, sequence);
  }

  [[nodiscard]] const auto& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const auto& properties() const noexcept { return properties_; }

 private:
  using Map = std::unordered_map<std::uint64_t, Sequence>;
  static bool above(const Map& map, std::uint64_t term, Sequence as_of) noexcept {
    const auto found = map.find(term);
    return found != map.end() && found->second > as_of;
  }
  void add(Map& map, std::uint64_t term, Sequence sequence) {
    Sequence& latest = map[term];
    latest = std::max(latest, sequence);
    newest_ = std::max(newest_, sequence);
  }

  Map nodes_;
  Map properties_;
  Sequence newest_ = 0;
};

}  // namespace caveat
