// Is a store that was opened after a loss of power, or a kill, what it was promised to be?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "test/torture/workload_run.h"

namespace caveat::test {

// What is wrong with it, in a sentence; nothing if it is sound.
using Violation = std::optional<std::string>;

// Every query agrees with a scan of all records, both ways; each record is one that was written.
[[nodiscard]] Violation check_queries(StorageOptimizer& store,
                                      const std::vector<ExceptionRecord>& records,
                                      std::uint64_t seed);
[[nodiscard]] Result<std::vector<ExceptionRecord>> scan(StorageOptimizer& store);

// It holds what some prefix of the workload leaves that has all durable steps and no step that had
// not begun.
[[nodiscard]] Violation check_prefix(const std::vector<ExceptionRecord>& records,
                                     const Workload& workload,
                                     const std::vector<std::uint64_t>& fingerprints,
                                     const Progress& progress);

}  // namespace caveat::test
