#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/partition/container.h"
#include "engine/store/engine.h"
#include "engine/store/pinned_versions.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

std::uint64_t count_of(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

void set_ratio(CompressionStatistics& compression) {
  if (compression.compressed_bytes == 0) return;
  compression.compression_ratio = static_cast<double>(compression.uncompressed_bytes) /
                                  static_cast<double>(compression.compressed_bytes);
  compression.compression_ratio_x100 = static_cast<std::uint32_t>(
      compression.uncompressed_bytes * 100 / compression.compressed_bytes);
}

// Records and raw bytes of a partition whose directory entry does not say: runs or clears wait.
struct Resolved {
  std::uint64_t rows = 0;
  std::uint64_t raw_bytes = 0;
};

Result<Resolved> resolve(const PartitionImage& image, const ClearList& clears) {
  Resolved resolved;
  CAVEAT_ASSIGN(const auto rows, image.rows(clears));
  RowRoom room;
  for (const auto row : rows) {
    ExceptionView view;
    CAVEAT_TRY(image.materialise(row, view, room));
    resolved.raw_bytes += plain_row_bytes(view);
  }
  resolved.rows = rows.size();
  return resolved;
}

}  // namespace

// Encoding is deterministic, so encoding the rows again says what each column's encoding was and
// what it takes. Only the codec's level may have been another: string frames are scaled to what
// is stored. They are shared by the three string columns, split by raw bytes.
Result<BlockStatistics> Engine::block_statistics(std::string_view bytes) const {
  CAVEAT_ASSIGN(const auto header, read_header(bytes));
  CAVEAT_ASSIGN(const auto block, DecodedBlock::open(std::make_shared<const std::string>(bytes), 0,
                                                     bytes.size(), core_.dictionaries));
  CAVEAT_TRY(block->load(kAllColumns));
  std::vector<BlockRow> rows(block->row_count());
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    rows[i] = {block->view(i), block->property_id(i)};
  }
  BlockContext context;
  context.codec_id = header.codec_id;
  if (header.codec_id != static_cast<CodecId>(CompressionAlgorithm::None)) {
    CAVEAT_ASSIGN(context.codec, core_.codecs.find(header.codec_id));
  }
  std::shared_ptr<const CompressionDictionary> dictionary;
  if (header.dictionary_id != 0) {
    CAVEAT_ASSIGN(dictionary, core_.dictionaries.dictionary(header.dictionary_id));
    context.dictionary = dictionary.get();
  }
  BlockStatistics statistics;
  std::string again;
  CAVEAT_TRY(encode_block(rows, context, again, &statistics));
  std::uint64_t strings = 0;
  std::array<BlockStatistics::Column*, 3> columns{};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] = &statistics.columns[static_cast<std::size_t>(BlockColumn::inherited) + i];
    strings += columns[i]->compressed_bytes;
  }
  const std::uint64_t rest = statistics.stored_bytes - std::min(strings, statistics.stored_bytes);
  const std::uint64_t kept =
      header.stored_bytes - std::min<std::uint64_t>(rest, header.stored_bytes);
  for (auto* column : columns) {
    if (strings != 0) column->compressed_bytes = column->compressed_bytes * kept / strings;
  }
  return statistics;
}

// Figures go on without what is damaged or in a codec that is not there, and say so where the host
// listens.
bool Engine::skips(const StorageError& error, const ExceptionKey& lower) const {
  if (!is_damage(error.code())) return false;
  const std::string where = "primary " + describe_key(lower);
  const bool named = error.message().starts_with(where);
  core_.background_errors.notify(named ? error : error.within(where), core_.counters);
  return true;
}

StorageStatistics Engine::estimate_statistics() const {
  StorageStatistics s;
  const auto version = core_.versions.current();
  if (!version) return s;
  const Directory& directory = *version->directory;
  std::uint64_t pending = 0;
  std::uint64_t base_rows = 0;
  std::uint64_t recent_keys = 0;  // of one generation
  bool cleared = !version->clears->empty();
  for (const auto& group : directory.groups()) {
    for (const auto& entry : group->entries) {
      base_rows += entry.rows;
      pending += entry.run_rows;
      s.partitions_with_runs += entry.run_rows != 0 ? 1 : 0;
      s.compression.uncompressed_bytes += entry.raw_bytes;
      s.compression.compressed_bytes += entry.bytes;
    }
  }
  for (const auto& generation : version->generations) {
    s.delta_rows += generation->rows();
    s.delta_bytes += generation->bytes();
    const std::uint64_t keys = generation->distinct_keys();
    pending += keys;
    recent_keys = std::max(recent_keys, keys);
    cleared = cleared || generation->has_clears();
  }
  s.total_exceptions_max = base_rows + pending;
  s.total_exceptions_min = cleared || base_rows < pending ? 0 : base_rows - pending;
  // Of a store that is all recent writes, these: most of what hosts write is stored.
  s.total_exceptions = std::max(base_rows, recent_keys);
  s.partitions = directory.partition_count();
  s.total_properties = core_.catalogue.property_count();
  s.dictionaries = core_.dictionaries.size();
  set_ratio(s.compression);

  const BlockCounters& blocks = *core_.dictionaries.counters();
  s.compression.compressions = count_of(blocks.compressions);
  s.compression.decompressions = count_of(blocks.decompressions);
  s.compression.compress_bytes_in = count_of(blocks.compress_bytes_in);
  s.compression.compress_bytes_out = count_of(blocks.compress_bytes_out);
  s.compression.decompress_bytes_out = count_of(blocks.decompress_bytes_out);
  s.compression.compress_ns = count_of(blocks.compress_ns);
  s.compression.decompress_ns = count_of(blocks.decompress_ns);

  s.filter_bytes = directory.filter_bytes();
  s.index_memory_bytes = directory.memory_bytes() + s.filter_bytes;
  IndexStatistics primary;
  primary.name = "primary";
  primary.containers = directory.partition_count();
  primary.bytes = s.compression.compressed_bytes;
  primary.memory_bytes = s.index_memory_bytes;
  s.indexes.push_back(primary);
  for (std::size_t i = 0; i < kIndexCount; ++i) {
    const auto known = core_.indexes->known_statistics(kIndexFamilies[i]);
    IndexStatistics index;
    index.name = std::string(to_string(kIndexFamilies[i]));
    index.containers = known.containers;
    index.bytes = known.bytes;
    index.pairs = known.pairs;
    index.memory_bytes = known.memory_bytes;
    index.candidates = count_of(core_.query_counters.indexes[i].candidates);
    index.stale = count_of(core_.query_counters.indexes[i].stale);
    index.unindexed =
        version->index_complete[static_cast<std::size_t>(kIndexFamilies[i])] ? 0 : s.partitions;
    s.index_memory_bytes += index.memory_bytes;
    s.indexes.push_back(std::move(index));
  }

  s.index_memory_bytes += core_.index_cache.bytes() + core_.candidate_cache.bytes();
  s.record_cache = core_.record_cache.statistics();
  s.block_cache = core_.block_cache.statistics();
  // A read that the hot records miss asks the decoded partitions next.
  const auto asked = s.block_cache.hits + s.block_cache.misses + s.record_cache.hits;
  s.cache_hit_rate = asked == 0 ? 0.0
                                : static_cast<double>(s.block_cache.hits + s.record_cache.hits) /
                                      static_cast<double>(asked);
  s.reads = core_.counters.read.sum(EngineCounters::kReads);
  s.read_misses = core_.counters.read.sum(EngineCounters::kReadMisses);
  s.filter_negatives = core_.counters.read.sum(EngineCounters::kFilterNegatives);
  s.writes = count_of(core_.counters.writes);
  const auto sampled = count_of(core_.counters.sampled_calls);
  s.mean_access_time_ns = sampled == 0 ? 0.0
                                       : static_cast<double>(count_of(core_.counters.sampled_ns)) /
                                             static_cast<double>(sampled);
  s.folds = count_of(core_.counters.folds);
  s.rewrites = count_of(core_.counters.rewrites);
  s.splits = count_of(core_.counters.splits);
  s.joins = count_of(core_.counters.joins);
  s.rewrite_queue = queue_.size();
  s.background_errors = count_of(core_.counters.background_errors);
  s.write_stalls = count_of(core_.counters.write_stalls);
  const auto since = core_.counters.write_stall_since_ns.load(std::memory_order_relaxed);
  const auto waited = since == 0 ? 0 : std::max<std::int64_t>(0, steady_now_ns() - since);
  s.write_stall_ns = static_cast<std::uint64_t>(
      core_.counters.write_stall_ns.load(std::memory_order_relaxed) + waited);
  s.waiting_writers = commits_.waiting();
  s.waiting_generations = version->generations.size() - 1;
  s.waiting_bytes = version->sealed_bytes();
  if (core_.read_only) s.read_only_reason = core_.read_only->message();
  s.open_views = core_.versions.open_views();
  s.oldest_view_age_ns = core_.versions.oldest_view_age_ns();
  auto held = core_.versions.held();
  if (CAVEAT_PLANTED(held_versions_uncounted)) held.clear();
  // After them, so that none of them came later: folds may have ended meanwhile.
  const auto newest = core_.versions.current();
  const auto pinned = newest ? measure_pinned(held, *newest) : PinnedVersions{};
  s.pinned_versions = pinned.versions;
  s.pinned_memory_bytes = pinned.memory_bytes;
  s.pinned_stored_bytes = pinned.stored_bytes;
  s.allocation = core_.pool.statistics();
  if (auto properties = core_.backend->properties()) s.backend = *properties;
  s.memory_budget_bytes = core_.options.memory_budget_bytes;
  std::uint64_t memtables = 0;
  for (const auto& family : s.backend.families) memtables += family.memtable_bytes;
  std::uint64_t postings = 0;
  for (const IndexStatistics& index : s.indexes) {
    postings += index.name == "primary" ? 0 : index.memory_bytes;
  }
  const MemoryPlan& plan = core_.memory;
  s.memory_parts = {
      {"delta", s.delta_bytes, plan.delta},
      {"block_cache", s.block_cache.bytes, core_.block_cache.capacity_bytes()},
      {"record_cache", s.record_cache.bytes, plan.record_cache},
      {"posting_cache", core_.index_cache.bytes(), plan.index_cache},
      {"candidate_cache", core_.candidate_cache.bytes(), plan.candidate_cache},
      {"key_filters", s.filter_bytes, plan.filters_max},
      {"directory", directory.memory_bytes(), 0},
      {"indexes", postings, 0},
      {"catalogue", core_.catalogue.memory_bytes(), 0},
      {"dictionaries", core_.dictionaries.memory_bytes(), 0},
      {"backend_cache", s.backend.cache_bytes, plan.backend_cache},
      {"backend_tables", s.backend.table_reader_bytes, 0},
      {"backend_buffers", memtables, plan.backend_buffers},
      {"pools", s.allocation.bytes_reserved - s.allocation.bytes_in_use, 0},
  };
  for (const MemoryPart& part : s.memory_parts) s.memory_bytes += part.bytes;
  return s;
}

Result<StorageStatistics> Engine::statistics() {
  if (closed_) return closed_error();
  // What cannot be folded has bounds, as in the cheap variant.
  if (core_.read_only) return estimate_statistics();
  commits_.seal();
  CAVEAT_TRY(mutator_.fold_all());
  CAVEAT_TRY(mutator_.show_merged_indexes());
  StorageStatistics s = estimate_statistics();
  const auto view = core_.versions.view();
  if (!view->version) return closed_error();
  const Version& version = *view->version;
  const Directory& directory = *version.directory;
  s.total_exceptions = 0;
  s.compression.uncompressed_bytes = 0;
  std::uint64_t uncertain = 0;  // of partitions that cannot be read
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p)) {
    const PartitionEntry& entry = directory.at(p);
    Resolved resolved{entry.rows, entry.raw_bytes};
    if (entry.run_rows != 0 || entry.as_of_min < version.clears->newest()) {
      const auto image = load(version, p, CacheUse::scan);
      auto counted = image ? resolve(**image, *version.clears) : fail(image.error());
      if (!counted && !skips(counted.error(), entry.lower)) return fail(counted.error());
      if (counted) {
        resolved = *counted;
      } else {
        uncertain += entry.rows + entry.run_rows;
      }
    }
    s.total_exceptions += resolved.rows;
    s.compression.uncompressed_bytes += resolved.raw_bytes;
  }
  // Writes that came in between the fold and this version.
  const auto fresh = (view->delta().any_rows() ? s.delta_rows : 0) + uncertain;
  s.total_exceptions_min = s.total_exceptions - std::min<std::uint64_t>(fresh, s.total_exceptions);
  s.total_exceptions_max = s.total_exceptions + fresh;
  set_ratio(s.compression);
  for (std::size_t i = 0; i < kIndexCount; ++i) {
    IndexStatistics& index = s.indexes[i + 1];
    if (!version.index_complete[static_cast<std::size_t>(kIndexFamilies[i])]) continue;
    const auto counted =
        core_.indexes->statistics(kIndexFamilies[i], version.backend_snapshot.get());
    if (counted) {
      index.containers = counted->containers;
      index.bytes = counted->bytes;
      index.pairs = counted->pairs;
    } else if (counted.error().code() == ErrorCode::corruption) {
      index_damaged(version, kIndexFamilies[i], counted.error());
      index.unindexed = s.partitions;
    } else {
      return fail(counted.error());
    }
  }
  s.background_errors = count_of(core_.counters.background_errors);  // what was left out just now
  return s;
}

Result<std::vector<ColumnStatistics>> Engine::column_statistics() const {
  const auto view = core_.versions.view();
  if (!view->version) return closed_error();
  const Version& version = *view->version;
  const Directory& directory = *version.directory;
  std::array<ColumnStatistics, kBlockColumnCount> columns;
  std::array<std::map<std::string, std::uint64_t>, kBlockColumnCount> encodings;
  for (std::size_t i = 0; i < kBlockColumnCount; ++i) {
    columns[i].name = std::string(to_string(static_cast<BlockColumn>(i)));
  }
  std::string container;
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p)) {
    const auto found = core_.backend->get(Family::primary, encode_key(directory.at(p).lower),
                                          version.backend_snapshot.get(), container);
    const auto statistics_of = [&]() -> Result<std::optional<BlockStatistics>> {
      if (!found) return fail(found.error());
      if (!*found) return fail(core_.missing_container(directory.at(p).lower));
      CAVEAT_ASSIGN(const auto layout, parse_container(container));
      if (!layout.block) return std::nullopt;
      return block_statistics(*layout.block);
    };
    const auto read = statistics_of();
    if (!read && !skips(read.error(), directory.at(p).lower)) return fail(read.error());
    if (!read || !*read) continue;
    const BlockStatistics& block = **read;
    for (std::size_t i = 0; i < kBlockColumnCount; ++i) {
      columns[i].raw_bytes += block.columns[i].raw_bytes;
      columns[i].encoded_bytes += block.columns[i].encoded_bytes;
      columns[i].compressed_bytes += block.columns[i].compressed_bytes;
      ++encodings[i][block.columns[i].encoding];
    }
  }
  std::vector<ColumnStatistics> result;
  for (std::size_t i = 0; i < kBlockColumnCount; ++i) {
    columns[i].encodings.assign(encodings[i].begin(), encodings[i].end());
    result.push_back(std::move(columns[i]));
  }
  return result;
}

}  // namespace caveat
