// What a store says about itself: the figures that most hosts watch, and all of them as JSON.
#include <algorithm>

#include "adapters/c/handles.h"
#include "adapters/c/json.h"
#include "adapters/c/record_in.h"
#include "adapters/c/sized.h"
#include "adapters/c/string_out.h"

using namespace caveat;
using namespace caveat::c;

namespace {

Result<StorageStatistics> statistics_of(const caveat_store* store, bool exact) {
  CAVEAT_ASSIGN(auto* const opened, store_of(store));
  CAVEAT_TRY(still_open(*opened));
  if (exact) return opened->get_storage_statistics();
  return opened->estimate_storage_statistics();
}

void put(const CompressionStatistics& c, Json& json) {
  json.begin_object("compression")
      .field("uncompressed_bytes", c.uncompressed_bytes)
      .field("compressed_bytes", c.compressed_bytes)
      .field("compression_ratio", c.compression_ratio)
      .field("compressions", c.compressions)
      .field("decompressions", c.decompressions)
      .field("compress_bytes_in", c.compress_bytes_in)
      .field("compress_bytes_out", c.compress_bytes_out)
      .field("decompress_bytes_out", c.decompress_bytes_out)
      .field("compress_ns", c.compress_ns)
      .field("decompress_ns", c.decompress_ns)
      .end_object();
}

void put(const std::vector<IndexStatistics>& indexes, Json& json) {
  json.begin_list("indexes");
  for (const auto& index : indexes) {
    json.begin_object()
        .field("name", index.name)
        .field("containers", index.containers)
        .field("bytes", index.bytes)
        .field("pairs", index.pairs)
        .field("memory_bytes", index.memory_bytes)
        .field("candidates", index.candidates)
        .field("stale", index.stale)
        .field("rows_checked", index.rows_checked)
        .field("rows_matched", index.rows_matched)
        .field("unindexed", index.unindexed)
        .end_object();
  }
  json.end_list();
}

void put(const char* name, const CacheStatistics& c, Json& json) {
  json.begin_object(name)
      .field("hits", c.hits)
      .field("misses", c.misses)
      .field("evictions", c.evictions)
      .field("bytes", c.bytes)
      .field("capacity_bytes", c.capacity_bytes)
      .field("hit_rate", c.hit_rate())
      .end_object();
}

void put(const KvProperties& backend, Json& json) {
  json.begin_object("backend")
      .field("total_disk_bytes", backend.total_disk_bytes)
      .field("cache_bytes", backend.cache_bytes)
      .field("stall_count", backend.stall_count)
      .field("stall_micros", backend.stall_micros)
      .begin_object("families");
  for (const auto family : kFamilies) {
    const auto& one = backend.families[static_cast<std::size_t>(family)];
    json.begin_object(to_string(family))
        .field("disk_bytes", one.disk_bytes)
        .field("memtable_bytes", one.memtable_bytes)
        .field("key_estimate", one.key_estimate)
        .end_object();
  }
  json.end_object().end_object();
}

void put_columns(const std::vector<ColumnStatistics>& columns, Json& json) {
  json.begin_list("columns");
  for (const auto& column : columns) {
    json.begin_object()
        .field("name", column.name)
        .field("raw_bytes", column.raw_bytes)
        .field("encoded_bytes", column.encoded_bytes)
        .field("compressed_bytes", column.compressed_bytes)
        .begin_object("encodings");
    for (const auto& [encoding, blocks] : column.encodings) json.field(encoding, blocks);
    json.end_object().end_object();
  }
  json.end_list();
}

void put(const std::vector<MemoryPart>& parts, Json& json) {
  json.begin_list("memory_parts");
  for (const auto& part : parts) {
    json.begin_object()
        .field("name", part.name)
        .field("bytes", part.bytes)
        .field("limit_bytes", part.limit_bytes)
        .end_object();
  }
  json.end_list();
}

// As in caveat/statistics.h, under the same names.
void put(const StorageStatistics& s, Json& json) {
  json.field("total_exceptions", s.total_exceptions)
      .field("total_exceptions_min", s.total_exceptions_min)
      .field("total_exceptions_max", s.total_exceptions_max)
      .field("total_properties", s.total_properties)
      .field("partitions", s.partitions)
      .field("partitions_with_runs", s.partitions_with_runs)
      .field("delta_rows", s.delta_rows)
      .field("delta_bytes", s.delta_bytes)
      .field("dictionaries", s.dictionaries);
  put(s.compression, json);
  put(s.indexes, json);
  json.field("memory_bytes", s.memory_bytes)
      .field("memory_budget_bytes", s.memory_budget_bytes)
      .field("index_memory_bytes", s.index_memory_bytes)
      .field("filter_bytes", s.filter_bytes)
      .field("cache_hit_rate", s.cache_hit_rate);
  put(s.memory_parts, json);
  put("record_cache", s.record_cache, json);
  put("block_cache", s.block_cache, json);
  json.field("reads", s.reads)
      .field("read_misses", s.read_misses)
      .field("filter_negatives", s.filter_negatives)
      .field("writes", s.writes)
      .field("mean_access_time_ns", s.mean_access_time_ns)
      .field("folds", s.folds)
      .field("rewrites", s.rewrites)
      .field("splits", s.splits)
      .field("joins", s.joins)
      .field("rewrite_queue", s.rewrite_queue)
      .field("background_errors", s.background_errors)
      .field("write_stalls", s.write_stalls)
      .field("write_stall_ns", s.write_stall_ns)
      .field("waiting_writers", s.waiting_writers)
      .field("waiting_generations", s.waiting_generations)
      .field("waiting_bytes", s.waiting_bytes)
      .field("read_only_reason", s.read_only_reason)
      .field("open_views", s.open_views)
      .field("pinned_versions", s.pinned_versions)
      .field("oldest_view_age_ns", s.oldest_view_age_ns);
  put(s.backend, json);
}

}  // namespace

caveat_code caveat_statistics_get(caveat_store* store, int32_t exact, caveat_statistics* statistics,
                                  caveat_error** error) {
  constexpr auto first_bytes = offsetof(caveat_statistics, background_errors) + sizeof(uint64_t);
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(statistics, "statistics"));
    CAVEAT_TRY(check_size(statistics, first_bytes, "caveat_statistics"));
    CAVEAT_ASSIGN(const auto s, statistics_of(store, exact != 0));
    caveat_statistics made{};
    made.exceptions = s.total_exceptions;
    made.exceptions_min = s.total_exceptions_min;
    made.exceptions_max = s.total_exceptions_max;
    made.properties = s.total_properties;
    made.partitions = s.partitions;
    made.delta_rows = s.delta_rows;
    made.uncompressed_bytes = s.compression.uncompressed_bytes;
    made.compressed_bytes = s.compression.compressed_bytes;
    made.disk_bytes = s.backend.total_disk_bytes;
    made.memory_bytes = s.memory_bytes;
    made.memory_budget_bytes = s.memory_budget_bytes;
    made.reads = s.reads;
    made.read_misses = s.read_misses;
    made.writes = s.writes;
    made.open_views = s.open_views;
    made.background_errors = s.background_errors;
    write_sized(made, statistics);
    return {};
  });
}

caveat_code caveat_statistics_json(caveat_store* store, int32_t exact, caveat_string* json,
                                   caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(json, "json"));
    CAVEAT_ASSIGN(const auto statistics, statistics_of(store, exact != 0));
    Json text;
    put(statistics, text);
    if (exact != 0) {
      CAVEAT_ASSIGN(const auto columns, store->shared->column_statistics());
      put_columns(columns, text);
    }
    *json = copy_of(text.text());
    return {};
  });
}

caveat_code caveat_key_usage(const caveat_store* store, caveat_key_use* uses, size_t room,
                             size_t* count, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(count, "count"));
    CAVEAT_TRY(check_array(uses, room, sizeof(caveat_key_use), "uses"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto found, opened->key_usage());
    *count = found.size();
    for (std::size_t i = 0; i < std::min(room, found.size()); ++i) {
      uses[i] = {found[i].key_id, found[i].current ? 1U : 0U, found[i].values, found[i].bytes};
    }
    return {};
  });
}

caveat_code caveat_metrics(const caveat_store* store, caveat_string* text, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(text, "text"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    *text = copy_of(opened->metrics());
    return {};
  });
}
