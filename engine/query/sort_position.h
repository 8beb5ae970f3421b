// Where a record stands in an order: (sort value, key), as integers that compare like the order.
//
// Sort values are order-preserving integers: the bits of a confidence (never negative), a creation
// time with its sign bit flipped, 0 for key order. Descending order is the exact reverse of
// ascending, ties included; complementing every field turns one into the other, so that all code
// but the two ends of this file thinks ascending.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

#include "caveat/query.h"

namespace caveat::detail {

using SortValue = std::uint64_t;

// +0.0 makes the one value of two encodings the one that is stored.
[[nodiscard]] inline SortValue sort_value(float confidence) noexcept {
  return std::bit_cast<std::uint32_t>(confidence + 0.0F);
}
[[nodiscard]] inline SortValue sort_value(std::int64_t time) noexcept {
  return static_cast<std::uint64_t>(time) ^ (std::uint64_t{1} << 63);
}
[[nodiscard]] inline float confidence_of(SortValue value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}
[[nodiscard]] inline std::int64_t time_of(SortValue value) noexcept {
  return static_cast<std::int64_t>(value ^ (std::uint64_t{1} << 63));
}

// A closed range; empty if lo > hi.
struct ValueRange {
  SortValue lo = 0;
  SortValue hi = 0;
  [[nodiscard]] bool empty() const noexcept { return lo > hi; }
};

// All values that records can have.
[[nodiscard]] inline ValueRange all_values(QueryOrder order) noexcept {
  if (order == QueryOrder::key) return {0, 0};
  if (order == QueryOrder::confidence) return {sort_value(0.0F), sort_value(1.0F)};
  return {0, ~std::uint64_t{0}};
}

struct SortPosition {
  SortValue value = 0;
  ExceptionKey key;
  friend auto operator<=>(const SortPosition&, const SortPosition&) = default;
};

// The position in an ascending order; its own inverse.
[[nodiscard]] inline SortPosition ascending(SortPosition p, bool descending) noexcept {
  if (!descending) return p;
  return {~p.value, {~p.key.node_id, ~p.key.property_hash}};
}
[[nodiscard]] inline ValueRange ascending(ValueRange range, bool descending) noexcept {
  if (!descending || range.empty()) return range;
  return {~range.hi, ~range.lo};
}

}  // namespace caveat::detail
