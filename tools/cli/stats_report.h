// Statistics as text and as JSON. Apart from the command, so that tests need no store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "caveat/encryption.h"
#include "caveat/statistics.h"

namespace caveat::cli {

struct StatsReport {
  StorageStatistics storage;
  std::vector<ColumnStatistics> columns;
  std::vector<KeyUsage> keys;         // of an encrypted store
  std::uint64_t directory_bytes = 0;  // all files of the store itself
  std::vector<std::string> damage;    // partitions that the figures are without
  std::uint64_t waiting_rows = 0;     // recent writes that were not yet folded
};

// How much lies under which key; empty of a store that is not encrypted.
[[nodiscard]] std::string keys_text(const std::vector<KeyUsage>& keys);

[[nodiscard]] std::string stats_text(const StatsReport& report);
[[nodiscard]] std::string stats_json(const StatsReport& report);

[[nodiscard]] std::uint64_t directory_bytes(const std::string& path);

}  // namespace caveat::cli
