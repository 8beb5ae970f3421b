// What SQLite's planner and a scan agree on, as the text that EXPLAIN QUERY PLAN shows:
//
//   temporal (source=? AND created_at>=?) ORDER BY created_at DESC LIMIT ?
//
// The conditions stand in the order in which SQLite hands over their values; then come those of
// LIMIT and OFFSET. The first word is the index that is expected to lead; the engine decides anew
// when it knows the values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite/columns.h"

namespace caveat::sqlite {

enum class Comparison : unsigned char { equal, less, at_most, greater, at_least, in };

struct Condition {
  Column column;
  Comparison comparison;
};

enum class RowOrder : unsigned char {
  any,
  node,        // as signed integers; equal nodes in the order of keys
  key,         // the order of the store
  confidence,  // then key
  time,        // then key
};

[[nodiscard]] constexpr bool is_by_value(RowOrder order) noexcept {
  return order == RowOrder::confidence || order == RowOrder::time;
}

struct ScanPlan {
  std::string leading = "scan";
  std::vector<Condition> conditions;
  std::optional<bool> source_descending;  // first of all in the order of sources' names
  RowOrder order = RowOrder::any;
  bool descending = false;
  bool node_behind = false;  // equal values by node, as signed integers, then by key
  bool limit = false;
  bool offset = false;
  bool count_only = false;  // no column is asked for: only how many rows there are

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static ScanPlan parse(std::string_view text);
};

}  // namespace caveat::sqlite
