// RocksDB's warnings and errors in a file LOG; nothing, and no file, while there are none.
#pragma once

#include <rocksdb/env.h>
#include <filesystem>
#include <memory>

namespace caveat::detail {

// The file before is kept as LOG.old. At most 1 MiB is written.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> make_warning_log(
    const std::filesystem::path& directory);

}  // namespace caveat::detail
