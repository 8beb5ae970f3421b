// The columns of a block, as the encoder writes them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/block/int_column.h"
#include "engine/block/reason_split.h"
#include "engine/block/string_pool.h"

namespace caveat::detail {

// Everything the encoder needs per block; kept per thread so that it allocates nothing once warm.
struct EncodeScratch {
  std::vector<std::uint64_t> nodes, node_rows;  // distinct nodes; rows of each, less one
  std::vector<std::uint16_t> node_of_row, property_of_row;
  std::vector<std::uint64_t> properties;  // distinct ids, ascending
  std::vector<std::uint64_t> values;      // one column's integers
  std::array<std::vector<std::uint64_t>, 4>
      index;  // string numbers: inherited, actual, reason or its head, tail
  std::array<std::uint64_t, 4> fresh_from{};  // first string number of each
  StringPool pool;
  ReasonSplitter splitter;
  bool split = false;              // reasons are in two halves
  std::uint64_t reason_bytes = 0;  // of all rows together
  std::vector<FramePlan> frames;
  std::string raw_frame, body, trial;
  RowShape shape;
};

// Each appends one column and returns what it chose, for statistics.
std::string put_node_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
std::string put_property_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
std::string put_source_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
std::string put_confidence_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                  std::string& out);
std::string put_time_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out);
// `which`: 0 inherited, 1 actual.
std::string put_value_column(std::span<const BlockRow> rows, unsigned which, EncodeScratch& s,
                             std::string& out);
std::string put_reason_column(EncodeScratch& s, std::string& out);

}  // namespace caveat::detail
