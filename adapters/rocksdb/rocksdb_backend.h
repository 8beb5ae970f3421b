// The KvBackend of persistent stores: a directory, on RocksDB.
//
// The directory holds, beside RocksDB's own files, `CAVEAT` (what this directory is, and its
// format) and `caveat.lock` (whose it is: the pid of the process that has it open). It belongs to
// its owner alone (mode 0700). docs/format/families.md describes all of it.
//
// Durability::none is carried out as wal: leaving single writes out of the log would let a crash
// tear a batch that spans families, and lose writes older than ones that survive.
//
// A process that forks must open the store after the fork.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "caveat/kv_backend.h"

namespace caveat {

struct RocksdbBackendOptions {
  // Make the store where there is none; otherwise that is not_found.
  bool create_if_missing = true;
  // Refuse a directory that holds a store (already_exists).
  bool error_if_exists = false;

  // Memory: the block cache (index and filter blocks are in it), and all memtables together.
  // Their sum is the bound on both, since memtables are charged to the cache. While flushes run
  // behind, memtables may be twice as large; beyond that writers wait for them.
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;

  // Bytes a second that flushes and compactions may write; 0: no limit.
  std::uint64_t rate_limit_bytes_per_second = 0;

  // Open table files at most; -1: all.
  int max_open_files = 512;

  // Checksums over each entry from write() until it is in the memtable. Costs some 5% of a write.
  bool protect_writes = false;

  // Keys reported at most by one on_rewrite_candidates.
  std::size_t candidates_max = 1024;

  // A rocksdb::Env to run on, as a shared_ptr made from one; null: the system's. For fault
  // injection. caveat's own two files do not go through it.
  std::shared_ptr<void> env;
};

// Errors: not_found, already_exists, locked (names the pid), unsupported_format (a newer store, or
// a directory that is no caveat store; nothing in it is touched), corruption (a file is missing or
// damaged; named), io_error, no_space.
[[nodiscard]] Result<std::unique_ptr<KvBackend>> open_rocksdb_backend(
    const std::filesystem::path& path, const RocksdbBackendOptions& options = {});

}  // namespace caveat
