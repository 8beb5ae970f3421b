// Integer columns: how a run of u64 values becomes few bytes. Layout in docs/format/block.md.
//
// A column is one encoding byte and what that encoding says; some encodings hold further columns.
// The count of values is never stored: both sides know it. The encoder sizes the encodings that
// can apply and writes the smallest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block/bits.h"

namespace caveat::detail {

struct IntScratch;

// The numbers are on disk.
enum class IntEncoding : std::uint8_t {
  reserved = 0,
  constant,     // value
  packed,       // base, width, bits
  delta,        // first value, least step, steps above it
  runs,         // run count, run values, run lengths
  sparse,       // common value, and the rows that differ
  dictionary,   // distinct values ascending, and an index per row
  fresh,        // each value is the next unused number or an earlier one
  node_delta,   // first value per node, steps inside nodes
  by_node,      // value of the node's last row before, or a new one
  by_property,  // value of the last row before with the same property, or a new one
};
inline constexpr std::uint8_t kIntEncodingLast =
    static_cast<std::uint8_t>(IntEncoding::by_property);
[[nodiscard]] std::string_view to_string(IntEncoding encoding) noexcept;

inline constexpr unsigned kMaxColumnDepth = 5;  // of columns in columns; decoders refuse more

// What rows have in common; lets a column lean on the node and property columns.
struct RowShape {
  std::span<const std::uint16_t> node_of_row;  // ordinal of the row's node, ascending
  std::uint32_t node_count = 0;
  std::span<const std::uint16_t> property_of_row;  // ordinal of the row's property; may be empty
  std::uint32_t property_count = 0;
};

// What a RowShape says, in the form in which the encoder walks it.
struct RowLinks {
  std::vector<std::uint16_t> first_of_node;  // rows
  std::vector<std::uint16_t> before;  // each row's last before it with the same property, or itself

  [[nodiscard]] std::size_t end_of_node(std::size_t node, std::size_t rows) const noexcept {
    return node + 1 < first_of_node.size() ? first_of_node[node + 1] : rows;
  }
};

// What columns lean on to give one row's value.
struct RowPlace {
  std::uint32_t row = 0;
  std::uint32_t node = 0;               // its ordinal
  std::uint32_t first_row_of_node = 0;  // at most `row`
  std::uint32_t node_count = 0;
  std::span<const std::uint16_t> property_of_row;  // as in RowShape, each below property_count
  std::uint32_t property_count = 0;
};

inline constexpr std::uint64_t kNoFresh = ~std::uint64_t{0};

// Appends the smallest encoding. `rows` null: the values are not one a row. `fresh_from`: values
// from there on are numbers given out in row order (helps IntEncoding::fresh).
IntEncoding encode_ints(std::span<const std::uint64_t> values, const RowLinks* rows,
                        IntScratch& scratch, std::string& out, std::uint64_t fresh_from = kNoFresh);

// Fills `values` from the front of `in`. False if the bytes are no such column; nothing outside
// `values` is touched. Never allocates more than a few times values.size().
[[nodiscard]] bool decode_ints(ByteReader& in, const RowShape* shape,
                               std::span<std::uint64_t> values);
// For columns whose values are below 2^31, which makes every number in their encodings fit 32 bits
// (a zigzag step takes one more than a value). Larger numbers are refused.
[[nodiscard]] bool decode_ints(ByteReader& in, const RowShape* shape,
                               std::span<std::uint32_t> values);

// One row's value alone, with nothing decoded that it does not depend on; `in` ends behind the
// column as after decode_ints. False if the bytes are no such column, as far as they were read:
// damage elsewhere in the column can go unnoticed, and is what a block's checksum is for.
[[nodiscard]] bool int_at(ByteReader& in, const RowPlace& place, std::size_t count,
                          std::uint64_t& value);
[[nodiscard]] bool int_at(ByteReader& in, const RowPlace& place, std::size_t count,
                          std::uint32_t& value);

}  // namespace caveat::detail
