// When sealed generations are folded, given what they hold and what is stored.
//
// A fold that begins early runs beside the writers; one that begins late writes each partition
// less often. docs/decisions/0101.
#pragma once

#include <cstddef>

namespace caveat {

struct FoldBacklog {
  std::size_t bytes = 0;    // of memory that sealed generations take
  std::size_t most = 0;     // that they may take before writers wait
  std::size_t rows = 0;     // that wait
  std::size_t batches = 0;  // that those came in
  std::size_t stored = 0;   // rows in partitions, about
};

// A batch of so many rows, on average, is a bulk load.
inline constexpr std::size_t kBulkBatchRows = 2048;
// A store of this many times the rows that wait has few of them in each partition, and those are
// appended; in a smaller one nearly every partition is written anew.
inline constexpr std::size_t kManyStored = 8;

[[nodiscard]] constexpr bool fold_is_due(const FoldBacklog& waiting) noexcept {
  // Half is time to begin, so that nobody has to wait.
  if (waiting.bytes < waiting.most - waiting.most / 2) return false;
  const bool bulk = waiting.rows / kBulkBatchRows >= waiting.batches;
  const bool writes_all = waiting.stored / kManyStored <= waiting.rows;
  return waiting.bytes > waiting.most || !bulk || !writes_all;
}

}  // namespace caveat
