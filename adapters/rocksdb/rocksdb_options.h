// How RocksDB is set up: one place for every option, and why.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/rocksdb/resume_gate.h"
#include "adapters/rocksdb/rocksdb_backend.h"
#include "adapters/rocksdb/store_events.h"

namespace caveat::detail {

struct StoreOptions {
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;  // in the order of kFamilies
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> memtables;
  std::shared_ptr<ResumeGate> gate;
};

// The column family's name: RocksDB insists on "default" for one; that is meta.
[[nodiscard]] std::string column_family_name(Family family);

// `events` may be null: then nothing is reported. Warnings go to LOG in `log_directory`.
[[nodiscard]] StoreOptions make_store_options(const RocksdbBackendOptions& options,
                                              const std::filesystem::path& log_directory,
                                              std::shared_ptr<StoreEvents> events);

}  // namespace caveat::detail
