#include "adapters/rocksdb/rocksdb_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/table.h>
#include <algorithm>
#include <utility>

#include "adapters/rocksdb/append_operator.h"
#include "adapters/rocksdb/cache_memory.h"
#include "adapters/rocksdb/letter_blocks.h"
#include "adapters/rocksdb/private_files.h"
#include "adapters/rocksdb/warning_log.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kKiB = std::size_t{1} << 10;

// The share of the memtables' bound at which one family's memtable is written out. The manager of
// all memtables has the last word; this keeps one family from being all of them.
std::size_t memtable_bytes(Family family, std::size_t total) {
  const bool large = family == Family::delta || family == Family::primary;
  return std::max<std::size_t>(total / (large ? 2 : 4), 256 * kKiB);
}

// A block is cut when the next entry would make it larger than this, but not while it is smaller
// than nine tenths of it. A partition is some kilobytes: it is to lie alone, so that a get reads,
// checks and caches just that and not its neighbour as well (docs/decisions/0135). Posting
// containers are walked one after the other. What is in meta is compressed here and read in
// stretches.
std::size_t block_bytes(Family family) {
  if (family == Family::primary) return kKiB;
  return family == Family::meta ? 16 * kKiB : 4 * kKiB;
}

rocksdb::BlockBasedTableOptions table_options(Family family,
                                              const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = block_bytes(family);
  if (family == Family::meta) {
    // Damage stays with the kind of entry that it strikes: directory pages can be done without.
    table.flush_block_policy_factory = std::make_shared<LetterBlockPolicyFactory>();
    table.index_type = rocksdb::BlockBasedTableOptions::kBinarySearchWithFirstKey;
  }
  // Everything of the tables counts against the cache, whose size is the bound.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  // Point gets ask for keys that exist (the engine knows its partitions), so a filter for the
  // bottom level would never say no. Above it one saves a read for each file that lacks the key.
  // The index families and meta are read by seeking, which no whole-key filter helps.
  if (family == Family::primary) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  }
  return table;
}

rocksdb::ColumnFamilyOptions family_options(Family family, const RocksdbBackendOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache,
                                            const std::shared_ptr<StoreEvents>& events) {
  rocksdb::ColumnFamilyOptions cf;
  cf.merge_operator = append_operator();
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(family, cache)));
  cf.optimize_filters_for_hits = true;  // no filter at the bottom: see above

  cf.write_buffer_size = memtable_bytes(family, options.write_buffer_bytes);
  cf.max_write_buffer_number = 4;
  // The default, an eighth of the memtable up to 1 MiB, would charge eight families 8 MiB for
  // one key each.
  cf.arena_block_size = std::clamp<std::size_t>(cf.write_buffer_size / 64, 16 * kKiB, 256 * kKiB);

  // The engine compresses its values: nothing at the bottom, where nearly all bytes are. Above it
  // LZ4, for appended runs that are not compressed yet.
  cf.compression = rocksdb::kLZ4Compression;
  cf.bottommost_compression = rocksdb::kNoCompression;
  if (family == Family::meta) {
    cf.compression = rocksdb::kZSTD;
    cf.bottommost_compression = rocksdb::kZSTD;
  } else if (family == Family::delta) {
    // Written in key order and read only at open: a plain vector takes half the time a skip list
    // does. Files of it are few and short-lived.
    cf.compression = rocksdb::kNoCompression;
    cf.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
    cf.level0_file_num_compaction_trigger = 2;  // dropped generations should not linger in files
  }

  cf.level_compaction_dynamic_level_bytes = true;
  cf.compaction_pri = rocksdb::kMinOverlappingRatio;  // round-robin corrupts silently in 7.8
  cf.ttl = 0;                                         // no rewriting of files for their age
  cf.periodic_compaction_seconds = 0;
  cf.force_consistency_checks = true;
  if (events && rewritable(family)) {
    cf.table_properties_collector_factories.push_back(
        make_rewrite_collector_factory(family, events, options.candidates_max));
  }
  return cf;
}

rocksdb::DBOptions db_options(const RocksdbBackendOptions& options) {
  rocksdb::DBOptions db;
  db.create_missing_column_families = true;  // an interrupted creation is taken up again
  db.paranoid_checks = true;
  db.allow_concurrent_memtable_write = false;  // the vector memtable asks for it
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // 0 would mean 4x all memtables, and a family that is seldom written would keep old logs alive.
  db.max_total_wal_size = std::max<std::uint64_t>(3 * options.write_buffer_bytes, 4 << 20);
  db.recycle_log_file_num = 0;
  db.manual_wal_flush = false;
  db.track_and_verify_wals_in_manifest = false;  // with SyncWAL, 7.8 then refuses to open
  db.atomic_flush = false;                       // everything is logged, which orders families

  db.max_open_files = options.max_open_files;
  db.max_file_opening_threads = 1;         // starting threads costs more than opening files
  db.skip_stats_update_on_db_open = true;  // opening reads no file's properties
  db.max_background_jobs = 2;
  // One for each file that is read, outside of every bound: they follow the budget too.
  db.compaction_readahead_size =
      std::clamp<std::size_t>(options.write_buffer_bytes / 64, 128 * kKiB, 2048 * kKiB);
  db.allow_fallocate = false;                  // logs would take megabytes that they never fill
  db.bytes_per_sync = std::uint64_t{1} << 20;  // no burst of dirty pages at a file's end
  db.avoid_unnecessary_blocking_io = true;     // a reader never deletes files

  db.stats_dump_period_sec = 0;  // we export our own
  db.stats_persist_period_sec = 0;
  // make_store_options puts a logger in for warnings and errors alone: RocksDB's own writes 80 KiB
  // of settings at each open.
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.keep_log_file_num = 2;

  if (options.rate_limit_bytes_per_second > 0) {
    db.rate_limiter.reset(rocksdb::NewGenericRateLimiter(
        static_cast<std::int64_t>(options.rate_limit_bytes_per_second)));
  }
  db.env = options.env ? static_cast<rocksdb::Env*>(options.env.get()) : private_files_env();
  return db;
}

}  // namespace

std::string column_family_name(Family family) {
  return family == Family::meta ? rocksdb::kDefaultColumnFamilyName
                                : std::string(to_string(family));
}

StoreOptions make_store_options(const RocksdbBackendOptions& options,
                                const std::filesystem::path& log_directory,
                                std::shared_ptr<StoreEvents> events) {
  StoreOptions made;
  made.cache = rocksdb::NewLRUCache(options.block_cache_bytes + options.write_buffer_bytes, -1,
                                    false, 0.2, std::make_shared<CacheMemory>());
  // Memtables are charged to the cache: what they do not use, blocks may.
  made.memtables =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes, made.cache);
  made.db = db_options(options);
  made.db.write_buffer_manager = made.memtables;
  made.db.info_log = make_warning_log(log_directory);
  if (events) made.db.listeners.push_back(events);
  made.gate = std::make_shared<ResumeGate>(made.db.env->GetFileSystem());
  made.db.sst_file_manager.reset(rocksdb::NewSstFileManager(made.db.env, made.gate));
  for (const Family family : kFamilies) {
    made.families.emplace_back(column_family_name(family),
                               family_options(family, options, made.cache, events));
  }
  return made;
}

}  // namespace caveat::detail
