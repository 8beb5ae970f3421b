// What a reader sees of the delta: some generations and a ceiling.
//
// A row is visible if its sequence is at most the ceiling. Of several versions of a key the newest
// visible one counts, and a visible clear of its node or property with a larger sequence hides it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "caveat/query.h"
#include "engine/delta/generation.h"

namespace caveat {

// What the delta says of a key.
struct DeltaHit {
  enum class Kind : std::uint8_t {
    none,     // nothing: ask the primary
    removed,  // removed or cleared: there is no record, whatever the primary holds
    row,      // `row` is the record
  };
  Kind kind = Kind::none;
  const DeltaRow* row = nullptr;
  Sequence sequence = 0;  // of the store, removal or clear that decided; 0 for none
};

// What the delta says of a node.
struct DeltaNodeState {
  bool live = false;     // has a visible record here
  bool cleared = false;  // a visible clear_node hides all that the primary holds of it
  bool shadows = false;  // keys of it are stored, removed or perhaps property-cleared here: of the
                         // primary's records of the node, ask each with shadows()
};

// Conditions that must all hold; ranges are closed but for `upper`.
struct DeltaFilter {
  std::optional<NodeId> node;
  std::optional<PropertyHash> property;
  std::optional<ExceptionSource> source;
  std::optional<Query::ConfidenceRange> confidence;
  std::optional<Query::TimeRange> time;
  std::optional<ExceptionKey> lower;  // key >= lower
  std::optional<ExceptionKey> upper;  // key < upper

  // Leaves of the keys what the bound leaves, too.
  void from(const ExceptionKey& key) noexcept {
    if (!lower || *lower < key) lower = key;
  }
  void below(const ExceptionKey& key) noexcept {
    if (!upper || key < *upper) upper = key;
  }
};

class DeltaView {
 public:
  // Newest generation first. Both the span and the generations must outlive the view.
  DeltaView(std::span<const std::shared_ptr<const Generation>> generations,
            Sequence ceiling) noexcept
      : generations_(generations), ceiling_(ceiling) {}

  [[nodiscard]] Sequence ceiling() const noexcept { return ceiling_; }

  [[nodiscard]] DeltaHit lookup(const ExceptionKey& key) const noexcept {
    return lookup(key, std::hash<ExceptionKey>{}(key));
  }
  [[nodiscard]] DeltaHit lookup(const ExceptionKey& key, std::uint64_t hash) const noexcept;
  // The delta decides about the key: what the primary holds of it is out of date.
  [[nodiscard]] bool shadows(const ExceptionKey& key) const noexcept {
    return lookup(key).kind != DeltaHit::Kind::none;
  }

  // Anything inserted at all, visible or not.
  [[nodiscard]] bool any_rows() const noexcept;
  [[nodiscard]] bool has_clears() const noexcept;
  // False: no generation has a store, removal or clear_node of it.
  [[nodiscard]] bool may_have_node(NodeId node) const noexcept;
  [[nodiscard]] DeltaNodeState node_state(NodeId node) const noexcept;
  [[nodiscard]] bool has_visible_row_of_node(NodeId node) const noexcept {
    return node_state(node).live;
  }

  // The live records that match, each key once, ordered by key. Cost: matches plus, per segment,
  // a binary search for each condition (none for a node: its keys are linked, and all of them are
  // walked past unless there are many and bounds leave some).
  [[nodiscard]] std::vector<const DeltaRow*> select(const DeltaFilter& filter) const;
  // At most this many match; cheap, and never sorts anything.
  [[nodiscard]] std::size_t estimate(const DeltaFilter& filter) const noexcept;

 private:
  [[nodiscard]] bool has_many_of(NodeId node) const noexcept;
  void select_node(const DeltaFilter& filter, std::vector<const DeltaRow*>& out) const;
  void select_segments(const DeltaFilter& filter, std::vector<const DeltaRow*>& out) const;
  [[nodiscard]] bool is_live_version(const DeltaRow& row) const noexcept;

  std::span<const std::shared_ptr<const Generation>> generations_;
  Sequence ceiling_;
};

// Does the row satisfy the conditions? Visibility is another matter.
[[nodiscard]] bool delta_row_matches(const DeltaRow& row, const DeltaFilter& filter) noexcept;

inline DeltaHit DeltaView::lookup(const ExceptionKey& key, std::uint64_t hash) const noexcept {
  for (const auto& generation : generations_) {
    const DeltaRow* row = generation->newest(key, hash, ceiling_);
    if (generation->has_clears()) [[unlikely]] {
      const Sequence cleared = generation->cleared(key, ceiling_);
      // Older generations hold smaller sequences only: a clear decides about them as well.
      if (cleared > (row == nullptr ? 0 : row->sequence)) {
        return {DeltaHit::Kind::removed, nullptr, cleared};
      }
    }
    if (row != nullptr) {
      return row->kind == RowKind::store
                 ? DeltaHit{DeltaHit::Kind::row, row, row->sequence}
                 : DeltaHit{DeltaHit::Kind::removed, nullptr, row->sequence};
    }
  }
  return {};
}

}  // namespace caveat
