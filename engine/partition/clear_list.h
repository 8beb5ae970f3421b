// Clears that the delta has let go of and that are not yet applied to every partition.
//
// A clear with sequence s hides the rows of its node or property in all segments whose as_of is
// below s. Rewrites apply it; when no such segment is left, it is dropped. Immutable; a version
// holds one.
#pragma once

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

  // Is a row of this key, in a segment of this as_of, hidden?
  [[nodiscard]] bool hides(const ExceptionKey& key, Sequence as_of) const noexcept {
    if (empty()) return false;
    return above(nodes_, key.node_id, as_of) || above(properties_, key.property_hash, as_of);
  }

  // Of several clears of one thing the latest counts.
  void add_node(NodeId node, Sequence sequence) { raise(nodes_[node], sequence); }
  void add_property(PropertyHash property, Sequence sequence) {
    raise(properties_[property], sequence);
  }

  [[nodiscard]] const auto& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const auto& properties() const noexcept { return properties_; }

 private:
  using Map = std::unordered_map<std::uint64_t, Sequence>;
  static bool above(const Map& map, std::uint64_t term, Sequence as_of) noexcept {
    const auto found = map.find(term);
    return found != map.end() && found->second > as_of;
  }
  static void raise(Sequence& value, Sequence sequence) noexcept {
    if (sequence > value) value = sequence;
  }

  Map nodes_;
  Map properties_;
};

}  // namespace caveat
