// What could be: a sample of the store is optimized in memory, and absent keys are asked for. Found
// by doing it, so that the report promises nothing that a formula made up.
#pragma once

#include <cstdint>

#include "tools/cli/report/census.h"

namespace caveat::cli {

struct OptimizeTrial {
  std::uint64_t sample_records = 0;
  std::uint64_t bytes_now = 0;    // of the sample's containers, as they are stored
  std::uint64_t bytes_after = 0;  // of the same records, optimized
  // bytes_after / bytes_now; at most 1, as optimize keeps what it cannot better. 1 for no sample.
  [[nodiscard]] double ratio() const noexcept;
};
// Costs the memory of the sample twice, and the time to encode it twice.
[[nodiscard]] Result<OptimizeTrial> try_optimize(const Census& census, ProgressSink& progress);

struct LookupTrial {
  std::uint64_t absent = 0;           // keys asked for that are not there, on nodes that are
  std::uint64_t without_a_block = 0;  // of them, answered by the filter alone
  double absent_ns = 0;               // a lookup; wall time
  std::uint64_t present = 0;
  double present_ns = 0;  // a get that the caches serve
};
[[nodiscard]] Result<LookupTrial> try_lookups(const StorageOptimizer& store, const Census& census);

}  // namespace caveat::cli
