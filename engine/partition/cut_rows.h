// Where a run of rows is cut into partitions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "caveat/compressed_block.h"

namespace caveat {

struct CutLimits {
  std::size_t rows_max = 0;   // of a partition
  std::size_t bytes_max = 0;  // raw, likewise
  double slack = 1.0;         // grow to this share of the limits before cutting
};

// The end of each piece, in order; none for no rows. Pieces get equal weight, so that no small rest
// is left; a record that fills half a partition is alone in one, so that its neighbours stay cheap.
[[nodiscard]] std::vector<std::size_t> cut_rows(std::span<const BlockRow> rows,
                                                const CutLimits& limits);

}  // namespace caveat
