// The file in which a process that has a store open writes its figures, read.
#pragma once

#include <filesystem>
#include <string>

#include "tools/cli/top/metrics.h"

namespace caveat::cli {

struct Reading {
  Metrics metrics;
  double read_at = 0;  // seconds since the epoch, by our clock
};

// A store's owner may write its figures anywhere; of a store's directory it is the file beside it
// that docs/cli.md names: STORE.prom.
[[nodiscard]] std::filesystem::path metrics_file_of(const std::string& store_or_file);

// not_found: there is no such file; corruption: it holds something else.
[[nodiscard]] Result<Reading> read_metrics(const std::filesystem::path& path);

}  // namespace caveat::cli
