// Files that only their owner may read, whatever the process's umask: RocksDB makes its own 0644.
// (Env::SetAllowNonOwnerAccess does it for all of a process's databases, the host's own among
// them.) The directory is 0700 from the start, so nobody is in time to open one before it is set.
//
// And no OPTIONS file: at each open RocksDB writes 32 KiB of settings, reads them again to check
// them, and never uses them. Ours come from the code (docs/decisions/0116).
#pragma once

#include <rocksdb/env.h>

#include <string_view>

namespace caveat::detail {

// The default environment with such files. Lives for ever: RocksDB's threads may outlast any store.
[[nodiscard]] rocksdb::Env* private_files_env();

// OPTIONS-000123, or its draft.
[[nodiscard]] bool is_options_file(std::string_view name) noexcept;
// RocksDB's warning that it has none.
[[nodiscard]] bool is_options_warning(std::string_view format) noexcept;

}  // namespace caveat::detail
