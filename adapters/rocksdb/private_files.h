// Files that only their owner may read, whatever the process's umask: RocksDB makes its own 0644.
// (Env::SetAllowNonOwnerAccess does it for all of a process's databases, the host's own among
// them.) The directory is 0700 from the start, so nobody is in time to open one before it is set.
#pragma once

#include <rocksdb/env.h>

namespace caveat::detail {

// The default environment with such files. Lives for ever: RocksDB's threads may outlast any store.
[[nodiscard]] rocksdb::Env* private_files_env();

}  // namespace caveat::detail
