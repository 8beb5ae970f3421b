// What a store says about itself. All figures are real: counted where the thing happens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/kv_backend.h"
#include "caveat/memory_pool.h"
#include "caveat/types.h"

namespace caveat {

// The sizes behind a compression ratio, in bytes. `uncompressed` is the plain row encoding of the
// records (docs/format/row.md): 16 bytes of key, 13 of source, confidence and time, the two values
// and the reason with their lengths. It is what a store of rows would write, not an inflated
// figure.
struct CompressionStatistics {
  std::uint64_t uncompressed_bytes = 0;  // of all records in partitions
  std::uint64_t compressed_bytes = 0;    // containers of the primary family

  // uncompressed / compressed x 100, rounded down; 100 for an empty store.
  std::uint32_t compression_ratio_x100 = 100;
  double compression_ratio = 1.0;

  // Since open, over all encodes and decodes of block sections. compress_bytes_out is what was kept
  // of what compress_bytes_in was given to the codec: where its output was not smaller, the input.
  // Blocks that optimize_storage made and did not take, as they were no better, count too.
  std::uint64_t compressions = 0;
  std::uint64_t decompressions = 0;
  std::uint64_t compress_bytes_in = 0;
  std::uint64_t compress_bytes_out = 0;
  std::uint64_t decompress_bytes_out = 0;
  std::uint64_t compress_ns = 0;
  std::uint64_t decompress_ns = 0;
};

// One column over all blocks, as `caveat stats` shows it.
struct ColumnStatistics {
  std::string name;                    // "node", "property", "actual", ...
  std::uint64_t raw_bytes = 0;         // its part of the plain row encoding
  std::uint64_t encoded_bytes = 0;     // after the column encoding
  std::uint64_t compressed_bytes = 0;  // as stored
  std::vector<std::pair<std::string, std::uint64_t>> encodings;  // name, blocks that chose it
};

// One index. The primary is the records themselves. Of the others the cheap variant knows what
// maintenance knows: containers, bytes, pairs and memory are 0 after opening until the first fold
// or optimize, as opening a store reads no index.
struct IndexStatistics {
  std::string name;              // "primary", "property", "source", ...
  std::uint64_t containers = 0;  // stored values
  std::uint64_t bytes = 0;       // of its posting containers as stored
  // (term, partition); 0 where not counted. The cheap variant leaves out what was appended since
  // containers were last rewritten.
  std::uint64_t pairs = 0;
  std::uint64_t memory_bytes = 0;  // what the index keeps in memory
  // Since open, of queries in the order of keys and counts that this index alone served:
  std::uint64_t candidates = 0;    // partitions that they were sent to
  std::uint64_t stale = 0;         // of those, partitions that held no match
  std::uint64_t rows_checked = 0;  // rows of those partitions, each checked against the conditions
  std::uint64_t rows_matched = 0;  // of those, rows that met them
  std::uint64_t unindexed = 0;     // partitions not yet complete in this index
};

// One cache, since the store was opened.
struct CacheStatistics {
  std::uint64_t hits = 0;            // lookups that found what they asked for
  std::uint64_t misses = 0;          // lookups that did not
  std::uint64_t evictions = 0;       // entries pushed out by others
  std::uint64_t bytes = 0;           // of entries, now
  std::uint64_t capacity_bytes = 0;  // what it may hold
  // Hits of all lookups, 0 to 1; 0 before the first.
  [[nodiscard]] double hit_rate() const noexcept {
    const auto all = hits + misses;
    return all == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(all);
  }
};

// A part of the memory budget. `limit_bytes` is its share; 0 where it takes what it needs.
struct MemoryPart {
  std::string_view name;          // "delta", "block_cache", ...; lives for ever
  std::uint64_t bytes = 0;        // now
  std::uint64_t limit_bytes = 0;  // 0: no share of its own
};

// Everything about a store. get_storage_statistics counts; the cheap variant reads no data.
struct StorageStatistics {
  // Records in the store. Exact after get_storage_statistics; in the cheap variant between the two:
  // what is in partitions, or the recent writes where those are more.
  std::uint64_t total_exceptions = 0;
  std::uint64_t total_exceptions_min = 0;
  std::uint64_t total_exceptions_max = 0;

  std::uint64_t total_properties = 0;      // in the catalogue
  std::uint64_t partitions = 0;            // containers of the primary family
  std::uint64_t partitions_with_runs = 0;  // waiting for a rewrite
  std::uint64_t delta_rows = 0;            // not yet folded
  std::uint64_t delta_bytes = 0;           // their memory
  std::uint64_t dictionaries = 0;          // trained, and named by some block

  CompressionStatistics compression;     // of the primary family
  std::vector<IndexStatistics> indexes;  // primary, property, source, confidence, temporal

  // Memory now, in bytes; their sum is memory_bytes, bounded by memory_budget_bytes but for what
  // options.h says goes beyond it.
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_budget_bytes = 0;
  std::uint64_t index_memory_bytes = 0;  // directory, key filters, the indexes' caches
  std::uint64_t filter_bytes = 0;
  std::vector<MemoryPart> memory_parts;  // their bytes are those of memory_bytes
  CacheStatistics record_cache;
  CacheStatistics block_cache;
  double cache_hit_rate = 0.0;  // of point reads that the delta and the filter left over

  // Point reads and writes since open. The mean is of a sample (one call in 256).
  std::uint64_t reads = 0;
  std::uint64_t read_misses = 0;
  std::uint64_t filter_negatives = 0;  // misses answered by the key filter alone
  std::uint64_t writes = 0;
  double mean_access_time_ns = 0.0;

  // Maintenance since open.
  std::uint64_t folds = 0;
  std::uint64_t rewrites = 0;
  std::uint64_t splits = 0;
  std::uint64_t joins = 0;
  std::uint64_t rewrite_queue = 0;
  std::uint64_t background_errors = 0;

  // Writers that waited for folds since open (those that waited for the backend are in `backend`),
  // and how it is now. Waits that go on count. The time has in it the pauses of some ms each that
  // writers make where they are faster than the fold under way; these are not stalls.
  std::uint64_t write_stalls = 0;
  std::uint64_t write_stall_ns = 0;
  std::uint64_t waiting_writers = 0;
  std::uint64_t waiting_generations = 0;  // sealed, to be folded
  std::uint64_t waiting_bytes = 0;        // their memory
  // Why the store can only be read: a part of the records is damaged or missing. Empty: it is not
  // so. Counts are then of what is known, not of what can be read.
  std::string read_only_reason;

  // Snapshots and cursors; and the replaced versions that these still keep, with what nobody else
  // sees of them: in memory, which is not part of memory_bytes, and in the store's files, where no
  // compaction gives it back. It grows while a reader stalls, and goes with the last of them.
  std::uint64_t open_views = 0;
  std::int64_t oldest_view_age_ns = 0;
  std::uint64_t pinned_versions = 0;
  std::uint64_t pinned_memory_bytes = 0;  // writes that were folded since, directory, filters
  std::uint64_t pinned_stored_bytes = 0;  // at most: superseded partitions and log records

  AllocationStatistics allocation;  // of the store's pools
  KvProperties backend;             // as the backend counts
};

// What optimize_storage did.
struct OptimizationResults {
  std::uint64_t partitions_rewritten = 0;  // whose block is another one now
  std::uint64_t partitions_split = 0;      // cut, as they were too large
  std::uint64_t partitions_joined = 0;     // with a neighbour, as they were small
  // That could not be rewritten and are as they were: damaged, or in a codec that is not
  // registered. Each is told to Options::on_background_error; no later write fails for it.
  std::uint64_t partitions_skipped = 0;
  // Of these and of what else was left undone (indexes that could not be rebuilt without such a
  // partition, a rotation of keys that could not end), the first. Nothing: all is done.
  std::optional<StorageError> first_error;
  // Stale ones, and those of records that moved to another partition.
  std::uint64_t hints_removed = 0;
  std::uint64_t indexes_rebuilt = 0;  // secondary families that were damaged or not complete
  std::uint64_t dictionaries_trained = 0;
  std::uint64_t values_reencrypted = 0;  // that lay under an older key, after all other steps
  std::uint64_t bytes_before = 0;        // containers of all families
  std::uint64_t bytes_after = 0;
  std::uint64_t memory_saved = 0;  // bytes_before - bytes_after, or 0
  double compression_ratio_before = 1.0;
  double compression_ratio_after = 1.0;
  std::uint64_t duration_ns = 0;  // wall time
};

// What compact_storage did.
struct CompactionResults {
  std::uint64_t disk_bytes_before = 0;  // of the whole directory
  std::uint64_t disk_bytes_after = 0;   // of the same
  std::uint64_t bytes_reclaimed = 0;    // before - after, or 0
  std::uint64_t duration_ns = 0;        // wall time
};

// What verify found. Stale hints only cost time.
struct VerificationResults {
  // Errors that are listed; of more, the first.
  static constexpr std::size_t kErrorsMax = 1000;

  std::uint64_t partitions = 0;     // looked at
  std::uint64_t records = 0;        // that can be read, recent writes among them; each key once
  std::uint64_t delta_records = 0;  // recent commits in the log
  std::uint64_t index_pairs = 0;    // hints of all secondary indexes
  std::uint64_t stale_hints = 0;    // to partitions without a match: cost time
  std::uint64_t missing_hints = 0;  // would make a query miss a record
  std::uint64_t error_count = 0;    // all, those beyond the list too
  std::vector<std::string> errors;  // each names family, key and field
  // Secondary families that were not checked, for they are marked incomplete: damaged, or a rebuild
  // was cut short. Queries scan instead; rebuild_indexes makes them anew.
  std::vector<std::string> incomplete_indexes;

  // Everything was checked and nothing is wrong; stale hints are no harm.
  [[nodiscard]] bool sound() const noexcept {
    return error_count == 0 && missing_hints == 0 && incomplete_indexes.empty();
  }
};

}  // namespace caveat
