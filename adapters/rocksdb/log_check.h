// Are the logs of a store all there, and sound? Asked before RocksDB replays them, because RocksDB
// takes damage for the end of a log: it would silently drop every row after it.
//
// A crash leaves a log that ends inside a record, or in zeros: that is no damage. Anything sound
// behind a place that cannot be read is, and so is a last record that is whole but wrong. Each
// record says its first sequence number and how many it has, so a gap shows, also between logs.
#pragma once

#include <cstdint>
#include <filesystem>

#include "adapters/rocksdb/store_directory.h"
#include "caveat/error.h"

namespace caveat::detail {

// `open`: the logs of a store that was not closed since.
// Errors: corruption, naming the file as one of the directory `shown`; io_error. Writes nothing.
[[nodiscard]] Result<void> check_logs(const std::filesystem::path& directory,
                                      const std::filesystem::path& shown, OpenLogs open);

// Logs with smaller numbers are not needed any more. 0 where the MANIFEST does not say.
[[nodiscard]] std::uint64_t first_needed_log(const std::filesystem::path& directory);

}  // namespace caveat::detail
