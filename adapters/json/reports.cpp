#include "adapters/json/reports.h"

namespace caveat::json {
namespace {

void write_part(const CompressionStatistics& c, JsonWriter& json) {
  json.begin_object("compression")
      .field("uncompressed_bytes", c.uncompressed_bytes)
      .field("compressed_bytes", c.compressed_bytes)
      .field("compression_ratio_x100", std::uint64_t{c.compression_ratio_x100})
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

void write_part(const std::vector<IndexStatistics>& indexes, JsonWriter& json) {
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

void write_cache(const char* name, const CacheStatistics& c, JsonWriter& json) {
  json.begin_object(name)
      .field("hits", c.hits)
      .field("misses", c.misses)
      .field("evictions", c.evictions)
      .field("bytes", c.bytes)
      .field("capacity_bytes", c.capacity_bytes)
      .field("hit_rate", c.hit_rate())
      .end_object();
}

void write_backend(const KvProperties& backend, JsonWriter& json) {
  json.begin_object("backend")
      .field("total_disk_bytes", backend.total_disk_bytes)
      .field("cache_bytes", backend.cache_bytes)
      .field("stall_count", backend.stall_count)
      .field("stall_micros", backend.stall_micros);
  write_families(backend, json);
  json.end_object();
}

void write_part(const std::vector<MemoryPart>& parts, JsonWriter& json) {
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

}  // namespace

void write(const StorageStatistics& s, JsonWriter& json) {
  json.field("total_exceptions", s.total_exceptions)
      .field("total_exceptions_min", s.total_exceptions_min)
      .field("total_exceptions_max", s.total_exceptions_max)
      .field("total_properties", s.total_properties)
      .field("partitions", s.partitions)
      .field("partitions_with_runs", s.partitions_with_runs)
      .field("delta_rows", s.delta_rows)
      .field("delta_bytes", s.delta_bytes)
      .field("dictionaries", s.dictionaries);
  write_part(s.compression, json);
  write_part(s.indexes, json);
  json.field("memory_bytes", s.memory_bytes)
      .field("memory_budget_bytes", s.memory_budget_bytes)
      .field("index_memory_bytes", s.index_memory_bytes)
      .field("filter_bytes", s.filter_bytes)
      .field("cache_hit_rate", s.cache_hit_rate);
  write_part(s.memory_parts, json);
  write_cache("record_cache", s.record_cache, json);
  write_cache("block_cache", s.block_cache, json);
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
      .field("open_views", s.open_views)
      .field("pinned_versions", s.pinned_versions)
      .field("oldest_view_age_ns", s.oldest_view_age_ns);
  write_backend(s.backend, json);
}

void write_columns(const std::vector<ColumnStatistics>& columns, JsonWriter& json) {
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

void write(const TuningExplanation& explained, JsonWriter& json) {
  json.begin_list("options");
  for (const auto& option : explained.options) {
    json.begin_object()
        .field("option", option.option)
        .field("value", option.value)
        .field("chosen_by", to_string(option.chosen_by))
        .field("why", option.why)
        .begin_list("candidates");
    for (const auto& candidate : option.candidates) {
      json.begin_object()
          .field("value", candidate.value)
          .field("bytes_per_record", candidate.bytes_per_record)
          .end_object();
    }
    json.end_list().end_object();
  }
  json.end_list();
  json.begin_object("stored")
      .field("partitions", explained.partitions)
      .field("rows", explained.rows)
      .field("with_dictionary", explained.with_dictionary)
      .begin_object("codecs");
  for (const auto& [name, blocks] : explained.codecs) json.field(name, blocks);
  json.end_object().end_object();
}

void write_families(const KvProperties& backend, JsonWriter& json) {
  json.begin_object("families");
  for (const auto family : kFamilies) {
    const auto& one = backend.families[static_cast<std::size_t>(family)];
    json.begin_object(to_string(family))
        .field("disk_bytes", one.disk_bytes)
        .field("memtable_bytes", one.memtable_bytes)
        .field("key_estimate", one.key_estimate)
        .end_object();
  }
  json.end_object();
}

void write_keys(const std::vector<KeyUsage>& usage, JsonWriter& json) {
  json.begin_list("keys");
  for (const KeyUsage& key : usage) {
    json.begin_object()
        .field("id", std::uint64_t{key.key_id})
        .flag("current", key.current)
        .field("values", key.values)
        .field("bytes", key.bytes)
        .end_object();
  }
  json.end_list();
}

void write(const QueryPlan& plan, JsonWriter& json) {
  json.field("index", to_string(plan.index))
      .field("partitions_total", plan.partitions_total)
      .field("partitions_visited", plan.partitions_visited)
      .field("delta_rows", plan.delta_rows)
      .begin_list("candidates");
  for (const auto& candidate : plan.candidates) {
    json.begin_object()
        .field("index", to_string(candidate.index))
        .field("partitions", candidate.partitions)
        .flag("used", candidate.used)
        .field("reason", candidate.reason)
        .end_object();
  }
  json.end_list();
}

void write(const VerificationResults& found, JsonWriter& json) {
  json.flag("sound", found.sound())
      .field("partitions", found.partitions)
      .field("records", found.records)
      .field("delta_records", found.delta_records)
      .field("index_pairs", found.index_pairs)
      .field("stale_hints", found.stale_hints)
      .field("missing_hints", found.missing_hints)
      .field("error_count", found.error_count)
      .begin_list("errors");
  for (const auto& error : found.errors) json.field({}, error);
  json.end_list().begin_list("incomplete_indexes");
  for (const auto& index : found.incomplete_indexes) json.field({}, index);
  json.end_list();
}

}  // namespace caveat::json
