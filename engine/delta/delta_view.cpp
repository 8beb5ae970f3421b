#include "engine/delta/delta_view.h"

#include <algorithm>

namespace caveat {

bool DeltaView::any_rows() const noexcept {
  return std::any_of(generations_.begin(), generations_.end(),
                     [](const auto& generation) { return !generation->empty(); });
}

bool DeltaView::has_clears() const noexcept {
  return std::any_of(generations_.begin(), generations_.end(),
                     [](const auto& generation) { return generation->has_clears(); });
}

bool DeltaView::may_have_node(NodeId node) const noexcept {
  return std::any_of(generations_.begin(), generations_.end(),
                     [&](const auto& generation) { return generation->may_have_node(node); });
}

DeltaNodeState DeltaView::node_state(NodeId node) const noexcept {
  DeltaNodeState state;
  for (const auto& generation : generations_) {
    if (generation->has_clears()) [[unlikely]] {
      state.cleared = state.cleared || generation->node_cleared(node, ceiling_) != 0;
      state.shadows = state.shadows || generation->first_property_clear() <= ceiling_;
    }
  }
  for (const auto& generation : generations_) {
    for (const DeltaRow* row = generation->node_head(node); row != nullptr; row = row->link) {
      if (row->sequence > ceiling_) continue;  // the key's first version: none is visible
      state.shadows = true;
      if (lookup(row->key).kind == DeltaHit::Kind::row) {
        state.live = true;
        return state;
      }
    }
  }
  return state;
}

}  // namespace caveat
