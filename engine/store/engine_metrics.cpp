// The figures of a store as Prometheus reads them. docs/operating.md says what to do about them.
#include "caveat/version.h"
#include "engine/store/engine.h"
#include "engine/store/metrics_text.h"

namespace caveat {

namespace {

double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

std::uint64_t value_of_counter(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

void add_contents(const StorageStatistics& s, MetricsText& m) {
  m.gauge("caveat_records", "Records in the store; an estimate between the two bounds.")
      .sample(s.total_exceptions);
  m.gauge("caveat_records_min", "At least so many records.").sample(s.total_exceptions_min);
  m.gauge("caveat_records_max", "At most so many records.").sample(s.total_exceptions_max);
  m.gauge("caveat_properties", "Properties in the catalogue.").sample(s.total_properties);
  m.gauge("caveat_partitions", "Partitions.").sample(s.partitions);
  m.gauge("caveat_partitions_with_runs", "Partitions that wait for a rewrite.")
      .sample(s.partitions_with_runs);
  m.gauge("caveat_dictionaries", "Compression dictionaries.").sample(s.dictionaries);
  m.gauge("caveat_delta_rows", "Recent writes that are not folded yet.").sample(s.delta_rows);
  m.gauge("caveat_delta_bytes", "Memory of recent writes.").sample(s.delta_bytes);
  m.gauge("caveat_uncompressed_bytes", "Plain row encoding of all records in partitions.")
      .sample(s.compression.uncompressed_bytes);
  m.gauge("caveat_compressed_bytes", "Partitions as stored.")
      .sample(s.compression.compressed_bytes);
}

void add_calls(const StorageStatistics& s, const EngineCounters& counters, MetricsText& m) {
  m.counter("caveat_point_reads_total", "Point reads, by what they found.")
      .sample(s.reads - s.read_misses, {{"result", "hit"}})
      .sample(s.read_misses, {{"result", "miss"}});
  m.counter("caveat_filter_negatives_total", "Misses that the key filter answered alone.")
      .sample(s.filter_negatives);
  m.summary("caveat_point_read_duration_seconds", "Of one point read in 256.")
      .sample(seconds(value_of_counter(counters.sampled_ns)), {}, "_sum")
      .sample(value_of_counter(counters.sampled_calls), {}, "_count");
  m.counter("caveat_rows_written_total", "Rows stored and removed.").sample(s.writes);
}

void add_caches(const StorageStatistics& s, const Core& core, MetricsText& m) {
  struct Cache {
    std::string_view name;
    CacheStatistics of;
  };
  const std::array<Cache, 4> caches = {{{"records", s.record_cache},
                                        {"blocks", s.block_cache},
                                        {"postings", core.index_cache.statistics()},
                                        {"candidates", core.candidate_cache.statistics()}}};
  const auto each = [&](std::uint64_t CacheStatistics::*field) {
    for (const Cache& cache : caches) m.sample(cache.of.*field, {{"cache", cache.name}});
  };
  m.counter("caveat_cache_hits_total", "Lookups that found what they asked for.");
  each(&CacheStatistics::hits);
  m.counter("caveat_cache_misses_total", "Lookups that did not.");
  each(&CacheStatistics::misses);
  m.counter("caveat_cache_evictions_total", "Entries pushed out by others.");
  each(&CacheStatistics::evictions);
  m.gauge("caveat_cache_bytes", "Memory of the entries.");
  each(&CacheStatistics::bytes);
  m.gauge("caveat_cache_capacity_bytes", "Memory that the cache may take.");
  each(&CacheStatistics::capacity_bytes);
}

void add_indexes(const StorageStatistics& s, const QueryCounters& counters, MetricsText& m) {
  const auto all = [&](std::uint64_t IndexStatistics::*field) {
    for (const IndexStatistics& index : s.indexes) m.sample(index.*field, {{"index", index.name}});
  };
  m.gauge("caveat_index_containers", "Stored containers.");
  all(&IndexStatistics::containers);
  m.gauge("caveat_index_stored_bytes", "Containers as stored.");
  all(&IndexStatistics::bytes);
  m.gauge("caveat_index_memory_bytes", "What the index keeps in memory.");
  all(&IndexStatistics::memory_bytes);

  // The primary index is exact: it has no hints.
  using Read = std::uint64_t (*)(const QueryCounters::Index&);
  const auto hints = [&](Read read) {
    for (std::size_t i = 0; i < kIndexCount; ++i) {
      m.sample(read(counters.indexes[i]), {{"index", to_string(kIndexFamilies[i])}});
    }
  };
  const auto secondary = [&](std::uint64_t IndexStatistics::*field) {
    for (std::size_t i = 1; i < s.indexes.size(); ++i) {
      m.sample(s.indexes[i].*field, {{"index", s.indexes[i].name}});
    }
  };
  m.gauge("caveat_index_pairs", "Hints, as far as they are counted.");
  secondary(&IndexStatistics::pairs);
  m.gauge("caveat_index_unindexed_partitions",
          "Partitions that queries scan, for the index is not complete.");
  secondary(&IndexStatistics::unindexed);
  m.counter("caveat_index_candidates_total", "Partitions that hints sent queries to.");
  hints([](const QueryCounters::Index& index) { return value_of_counter(index.candidates); });
  m.counter("caveat_index_hits_total", "Of those, partitions with a match.");
  hints([](const QueryCounters::Index& index) {
    const auto candidates = value_of_counter(index.candidates);
    return candidates - std::min(candidates, value_of_counter(index.stale));
  });
  m.counter("caveat_index_stale_total", "Of those, partitions without one: the hint was stale.");
  hints([](const QueryCounters::Index& index) { return value_of_counter(index.stale); });
  m.counter("caveat_index_rows_checked_total", "Rows of candidates, checked against conditions.");
  hints([](const QueryCounters::Index& index) { return value_of_counter(index.rows_checked); });
  m.counter("caveat_index_rows_matched_total", "Of those, rows that met them.");
  hints([](const QueryCounters::Index& index) { return value_of_counter(index.rows_matched); });
}

void add_maintenance(const StorageStatistics& s, const EngineCounters& counters, MetricsText& m) {
  m.counter("caveat_folds_total", "Folds of recent writes into partitions.").sample(s.folds);
  m.counter("caveat_rewrites_total", "Partitions written anew.").sample(s.rewrites);
  m.counter("caveat_splits_total", "Partitions cut in two or more.").sample(s.splits);
  m.counter("caveat_joins_total", "Partitions joined with a neighbour.").sample(s.joins);
  m.counter("caveat_hints_removed_total", "Hints taken out of the indexes.")
      .sample(value_of_counter(counters.hints_removed));
  m.counter("caveat_background_errors_total", "Errors where no call was there to return them.")
      .sample(s.background_errors);
  m.gauge("caveat_read_only", "1: damage made the store one that can only be read.")
      .sample(std::uint64_t{s.read_only_reason.empty() ? 0U : 1U});
  m.counter("caveat_compressions_total", "Sections of blocks compressed.")
      .sample(s.compression.compressions);
  m.counter("caveat_compression_seconds_total", "Time of that.")
      .sample(seconds(s.compression.compress_ns));
  m.counter("caveat_decompressions_total", "Sections of blocks inflated.")
      .sample(s.compression.decompressions);
  m.counter("caveat_decompression_seconds_total", "Time of that.")
      .sample(seconds(s.compression.decompress_ns));
}

void add_waiting(const StorageStatistics& s, MetricsText& m) {
  m.counter("caveat_write_stalls_total", "Times that writers had to wait, by what for.")
      .sample(s.write_stalls, {{"cause", "folds"}})
      .sample(s.backend.stall_count, {{"cause", "backend"}});
  m.counter("caveat_write_stall_seconds_total", "How long that was.")
      .sample(seconds(s.write_stall_ns), {{"cause", "folds"}})
      .sample(static_cast<double>(s.backend.stall_micros) / 1e6, {{"cause", "backend"}});
  m.gauge("caveat_backend_stall_state", "0: none, 1: writes are slowed down, 2: they are stopped.")
      .sample(std::uint64_t{static_cast<unsigned>(s.backend.stall)});
  m.gauge("caveat_waiting_writers", "Writes in the queue for the log.").sample(s.waiting_writers);
  m.gauge("caveat_waiting_generations", "Generations of recent writes that wait for a fold.")
      .sample(s.waiting_generations);
  m.gauge("caveat_waiting_bytes", "Their memory.").sample(s.waiting_bytes);
  m.gauge("caveat_rewrite_queue_length", "Partitions and index containers that wait for a rewrite.")
      .sample(s.rewrite_queue);
  m.gauge("caveat_open_views", "Snapshots and cursors that are held.").sample(s.open_views);
  m.gauge("caveat_pinned_versions", "Replaced versions that these still keep.")
      .sample(s.pinned_versions);
  m.gauge("caveat_pinned_memory_bytes", "Memory of what only those see, beyond the budget.")
      .sample(s.pinned_memory_bytes);
  m.gauge("caveat_pinned_stored_bytes", "What only those see in the files, at most.")
      .sample(s.pinned_stored_bytes);
  m.gauge("caveat_oldest_view_age_seconds", "Age of the oldest of them.")
      .sample(seconds_of_ns(s.oldest_view_age_ns));
}

void add_memory(const StorageStatistics& s, MetricsText& m) {
  m.gauge("caveat_memory_budget_bytes", "Options::memory_budget_bytes.")
      .sample(s.memory_budget_bytes);
  m.gauge("caveat_memory_bytes", "Memory in use, by part; the sum is held against the budget.");
  for (const MemoryPart& part : s.memory_parts) m.sample(part.bytes, {{"part", part.name}});
  m.gauge("caveat_memory_limit_bytes", "The part's share of the budget.");
  for (const MemoryPart& part : s.memory_parts) {
    if (part.limit_bytes != 0) m.sample(part.limit_bytes, {{"part", part.name}});
  }
  m.counter("caveat_pool_requests_total", "Requests of memory, by whether a pool had some.")
      .sample(s.allocation.pool_hits, {{"result", "hit"}})
      .sample(s.allocation.pool_misses, {{"result", "miss"}});
}

void add_disk(const StorageStatistics& s, MetricsText& m) {
  m.gauge("caveat_disk_bytes", "All files of the store's directory.")
      .sample(s.backend.total_disk_bytes);
  const auto each = [&](std::uint64_t KvProperties::PerFamily::*field) {
    for (const Family family : kFamilies) {
      m.sample(s.backend.families[static_cast<std::size_t>(family)].*field,
               {{"family", to_string(family)}});
    }
  };
  m.gauge("caveat_family_disk_bytes", "Live table files, by family of keys.");
  each(&KvProperties::PerFamily::disk_bytes);
  m.gauge("caveat_family_memtable_bytes", "Written, and not in table files yet.");
  each(&KvProperties::PerFamily::memtable_bytes);
  m.gauge("caveat_family_keys", "Keys; the backend's estimate.");
  each(&KvProperties::PerFamily::key_estimate);
}

// As the backend has it: the superblock in memory is the mutator's alone.
void add_identity(KvBackend& backend, MetricsText& m) {
  std::string bytes;
  const auto found = backend.get(Family::meta, kSuperblockKey, nullptr, bytes);
  if (!found || !*found) return;
  const auto superblock = Superblock::decode(bytes);
  if (!superblock) return;
  m.gauge("caveat_store_made_timestamp_seconds", "When the store was made: which store this is.")
      .sample(seconds_of_ns(superblock->created_ns));
}

}  // namespace

std::string Engine::metrics() const {
  MetricsText m;
  const bool open = core_.versions.current() != nullptr;
  m.gauge("caveat_store_open", "1: the store is open.").sample(std::uint64_t{open ? 1U : 0U});
  if (!open) return m.take();
  const StorageStatistics s = estimate_statistics();
  m.gauge("caveat_build_info", "Always 1; the labels say what runs here.")
      .sample(std::uint64_t{1}, {{"version", CAVEAT_VERSION_STRING},
                                 {"format", std::to_string(kFormatVersion)},
                                 {"backend", core_.backend->persistent() ? "rocksdb" : "memory"}});
  m.gauge("caveat_metrics_timestamp_seconds", "When these figures were taken.")
      .sample(seconds_of_ns(core_.clock.now_ns()));
  add_identity(*core_.backend, m);
  add_contents(s, m);
  add_calls(s, core_.counters, m);
  add_caches(s, core_, m);
  add_indexes(s, core_.query_counters, m);
  add_maintenance(s, core_.counters, m);
  add_waiting(s, m);
  add_memory(s, m);
  add_disk(s, m);
  return m.take();
}

}  // namespace caveat
