// What is in a store, counted in one pass over its records in key order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "caveat/compressed_exception_store.h"
#include "caveat/storage_optimizer.h"
#include "tools/cli/report/time_line.h"

namespace caveat::cli {

struct PropertyShare {
  PropertyHash hash = 0;
  std::uint64_t records = 0;
  std::uint64_t plain_bytes = 0;
  // Its part of the partitions that hold it, by plain bytes: what is compressed together has no
  // size of its own.
  double stored_bytes = 0;
};

struct Census {
  static constexpr std::size_t kConfidenceBuckets = 20;

  std::uint64_t records = 0;
  std::uint64_t nodes = 0;
  std::uint64_t plain_bytes = 0;
  std::array<std::uint64_t, kExceptionSourceCount> by_source{};
  // [k/20, (k+1)/20); the last one has 1.0 as well.
  std::array<std::uint64_t, kConfidenceBuckets> by_confidence{};
  std::array<std::uint64_t, 6> by_kind{};  // of the actual value, by ValueKind
  TimeLine by_time;
  std::vector<PropertyShare> properties;  // most records first

  // Neighbours from all over the store, to try things out on, and what they take there.
  std::vector<ExceptionRecord> sample;
  std::uint64_t sample_stored_bytes = 0;

  std::vector<std::string> damage;  // what the counts are without, a sentence for each partition
};

// `partitions` as CompressedExceptionStore gives them. What cannot be read is left out, and named
// in `damage`, a sentence for each partition. Corruption and io_error of the store as a whole;
// cancelled when `progress` says so. Takes some 100 bytes for each property, and the sample.
[[nodiscard]] Result<Census> take_census(const StorageOptimizer& store,
                                         std::span<const PartitionInfo> partitions,
                                         ProgressSink& progress);

}  // namespace caveat::cli
