// The columns of a block, as the encoder writes them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/block/int_column.h"
#include "engine/block/int_scratch.h"
#include "engine/block/reason_split.h"
#include "engine/block/string_pool.h"
#include "pool/object_pool.h"

namespace caveat::detail {

// What was chosen for a column, for statistics.
struct ColumnChoice {
  std::string_view form;  // "decimal:", "split:", ... or nothing
  IntEncoding encoding = IntEncoding::reserved;
  IntEncoding second = IntEncoding::reserved;  // of the column's other half, if it has one
  [[nodiscard]] std::string name() const;
};

// Everything the encoder needs per block. Lent by the store's pool, so that it allocates nothing
// once warm.
struct EncodeScratch {
  std::vector<std::uint64_t> nodes, node_rows;  // distinct nodes; rows of each, less one
  RowLinks links;
  std::vector<std::uint16_t> last_of_property;  // row
  std::vector<std::uint64_t> properties;        // distinct ids, ascending
  std::vector<std::uint64_t> values;            // one column's integers
  StringNumbers index;
  std::array<std::uint64_t, kStringColumns> fresh_from{};  // first new number of each
  StringPool pool;
  ReasonSplitter splitter;
  bool split = false;              // reasons are in two halves
  std::uint64_t reason_bytes = 0;  // of all rows together
  std::vector<FramePlan> frames;
  std::vector<std::size_t> stored;  // bytes of each frame
  std::string raw_frame, body, trial, coded;
  IntScratch ints;

  [[nodiscard]] std::size_t bytes() const noexcept;
};

// Each appends one column.
ColumnChoice put_node_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
ColumnChoice put_property_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                 std::string& out);
ColumnChoice put_source_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
ColumnChoice put_confidence_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                   std::string& out);
ColumnChoice put_time_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
// `which`: 0 inherited, 1 actual.
ColumnChoice put_value_column(std::span<const BlockRow> rows, unsigned which, EncodeScratch& s,
                              std::string& out);
ColumnChoice put_reason_column(EncodeScratch& s, std::string& out);

}  // namespace caveat::detail

namespace caveat {

// Keeps what it holds; each block overwrites it.
template <>
struct Recycle<detail::EncodeScratch> {
  static void reset(detail::EncodeScratch&) noexcept {}
  static std::size_t bytes(const detail::EncodeScratch& scratch) noexcept {
    return scratch.bytes();
  }
};

}  // namespace caveat
