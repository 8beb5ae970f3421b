// CURRENT comes last: before it names another MANIFEST, the names of that and of all tables that it
// lists are on the device.
//
// RocksDB syncs the directory only after it has renamed CURRENT. The tables that an opening writes
// from logs have no sync of theirs: a loss of power between the two may leave the new CURRENT, and
// a table without its name. docs/decisions/0104-current-comes-last.md
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>

namespace caveat::detail {

// The file system with that done.
[[nodiscard]] std::shared_ptr<rocksdb::FileSystem> with_current_last(
    const std::shared_ptr<rocksdb::FileSystem>& files);
// The same of an environment, of which that keeps the given one alive; null stays null.
[[nodiscard]] std::shared_ptr<rocksdb::Env> with_current_last(
    const std::shared_ptr<rocksdb::Env>& env);

}  // namespace caveat::detail
