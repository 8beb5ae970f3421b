// Are the logs of a store all there, and sound? Asked before RocksDB replays them, because RocksDB
// takes damage for the end of a log: it would silently drop every row after it.
//
// A crash leaves a log that ends inside a record, or in zeros: that is no damage. Anything sound
// behind a place that cannot be read is, and so is a last record that is whole but wrong. Each
// record says its first sequence number and how many it has, so a gap shows, also between logs.
//
// If the whole system went down, sectors that were never synced are missing anywhere behind what
// was, and sound ones follow them. Then a gap that looks like that is where the store ends: what
// follows was not synced either.
#pragma once

#include <cstdint>
#include <filesystem>

#include "adapters/rocksdb/store_directory.h"
#include "caveat/error.h"

namespace caveat::detail {

// `open`: the logs of a store that was not closed since.
// Where the store ends, if that is before the end of its logs.
struct LogEnd {
  std::uint64_t log = 0;  // 0: it does not
  std::uint64_t offset = 0;
};

// Errors: corruption, naming the file as one of the directory `shown`; io_error. Writes nothing.
[[nodiscard]] Result<LogEnd> check_logs(const std::filesystem::path& directory,
                                        const std::filesystem::path& shown, OpenLogs open);

// Removes all logs after that one, the last first, and cuts it; on the device when it returns. So
// whoever opens the store next finds nothing of a gap, however this opening ends.
[[nodiscard]] Result<void> cut_logs(const std::filesystem::path& directory, const LogEnd& end);

// Logs with smaller numbers are not needed any more. 0 where the MANIFEST does not say.
[[nodiscard]] std::uint64_t first_needed_log(const std::filesystem::path& directory);

}  // namespace caveat::detail
