// Everything that a report shows, gathered from a store that nothing else changes meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/report/census.h"
#include "tools/cli/report/trial.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/top/reading.h"

namespace caveat::cli {

// A bar of a chart: what it is of, and how much.
struct NamedCount {
  std::string name;
  std::uint64_t count = 0;
};

struct ReportData {
  std::string store;  // its path, as given
  std::int64_t made_at_ns = 0;
  StatsReport stats;
  Census census;
  std::vector<NamedCount> property_names;  // of the first of census.properties; count: its records
  std::vector<NamedCount> disk;            // bytes of every part of the directory
  std::vector<std::uint64_t> fill;         // partitions by tenths of their bound; the last: full
  // Partitions by how many tenths of all writes came after they were written.
  std::vector<std::uint64_t> age;
  std::optional<VerificationResults> verified;
  OptimizeTrial optimize;
  LookupTrial lookups;
  std::optional<Reading> owner;  // what the process that has the store open says of itself
};

struct ReportWishes {
  bool verify = true;  // reads every block, and every index both ways
  std::size_t properties = 20;
};

// The store is a copy (InspectedStore), or open in this process. cancelled by `progress`.
[[nodiscard]] Result<ReportData> gather_report(const std::string& path, StorageOptimizer& store,
                                               const ReportWishes& wishes, ProgressSink& progress);

}  // namespace caveat::cli
