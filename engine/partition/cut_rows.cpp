#include "engine/partition/cut_rows.h"

#include <algorithm>
#include <cmath>

#include "engine/model/row.h"

namespace caveat {

// A row's weight is its share of a full partition.
std::vector<std::size_t> cut_rows(std::span<const BlockRow> rows, const CutLimits& limits) {
  const double row_share = 1.0 / static_cast<double>(limits.rows_max);
  const double byte_share = 1.0 / static_cast<double>(limits.bytes_max);
  std::vector<double> weight(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto bytes = static_cast<double>(plain_row_bytes(rows[i].view));
    weight[i] = std::max(row_share, bytes * byte_share);
  }
  std::vector<std::size_t> ends;
  const auto cut_evenly = [&](std::size_t begin, std::size_t end) {
    double total = 0;
    for (std::size_t i = begin; i < end; ++i) total += weight[i];
    const double pieces = total <= limits.slack ? 1.0 : std::ceil(total);
    double sum = 0;
    double target = total / pieces;
    std::size_t from = begin;
    for (std::size_t i = begin; i < end; ++i) {
      const bool full = i > from && (sum + weight[i] / 2 > target || i - from == kMaxBlockRows);
      if (full) {
        ends.push_back(i);
        from = i;
        target += total / pieces;
      }
      sum += weight[i];
    }
    if (from < end) ends.push_back(end);
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (weight[i] < 0.5) continue;
    cut_evenly(begin, i);
    ends.push_back(i + 1);
    begin = i + 1;
  }
  cut_evenly(begin, rows.size());
  return ends;
}

}  // namespace caveat
