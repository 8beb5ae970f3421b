// The conditions of a query, checked once, in the form that rows are compared with.
#pragma once

#include <cstdint>
#include <optional>

#include "caveat/query.h"
#include "engine/delta/delta_view.h"
#include "engine/query/sort_position.h"

namespace caveat::detail {

struct Conditions {
  std::optional<NodeId> node;
  std::optional<Query::NodeRange> nodes;  // never beside a node, of one node, or of all
  std::optional<PropertyHash> property;
  std::optional<ExceptionSource> source;
  std::optional<Query::ConfidenceRange> confidence;
  std::optional<Query::TimeRange> time;
  bool impossible = false;  // an empty range: nothing can match

  // invalid_argument for NaN bounds and for a source or an order that there is not.
  [[nodiscard]] static Result<Conditions> of(const Query& query);
  void add_nodes(const Query::NodeRange& range) noexcept;

  // No condition at all: every record matches.
  [[nodiscard]] bool none() const noexcept { return !nodes && none_but_nodes(); }
  // A stretch of the keys: every record in it matches.
  [[nodiscard]] bool none_but_nodes() const noexcept {
    return !node && !property && !source && !confidence && !time && !impossible;
  }

  [[nodiscard]] DeltaFilter delta_filter() const;

  // The first and the last key that a range of nodes, or a node, leaves.
  [[nodiscard]] ExceptionKey first_key() const noexcept;
  [[nodiscard]] ExceptionKey last_key() const noexcept;

  // What the order's range condition leaves of its values: all of them without a condition, empty
  // (lo > hi) where nothing can match. Key order has the one value 0.
  [[nodiscard]] ValueRange value_range(QueryOrder order) const noexcept;
  // Replaces the order's range condition. Not for key order.
  void set_value_range(QueryOrder order, ValueRange range) noexcept;
};

}  // namespace caveat::detail
