#include "tools/cli/json_writer.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

void compression(const CompressionStatistics& c, JsonWriter& json) {
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

void columns(const std::vector<ColumnStatistics>& all, JsonWriter& json) {
  json.begin_list("columns");
  for (const auto& column : all) {
    json.begin_object()
        .field("name", column.name)
        .field("raw_bytes", column.raw_bytes)
        .field("encoded_bytes", column.encoded_bytes)
        .field("compressed_bytes", column.compressed_bytes)
        .begin_object("encodings");
    for (const auto& [name, blocks] : column.encodings) json.field(name, blocks);
    json.end_object().end_object();
  }
  json.end_list();
}

void indexes(const std::vector<IndexStatistics>& all, JsonWriter& json) {
  json.begin_list("indexes");
  for (const auto& index : all) {
    json.begin_object()
        .field("name", index.name)
        .field("containers", index.containers)
        .field("bytes", index.bytes)
        .field("pairs", index.pairs)
        .field("memory_bytes", index.memory_bytes)
        .field("candidates", index.candidates)
        .field("stale", index.stale)
        .field("unindexed", index.unindexed)
        .end_object();
  }
  json.end_list();
}

void cache(std::string_view name, const CacheStatistics& c, JsonWriter& json) {
  json.begin_object(name)
      .field("hits", c.hits)
      .field("misses", c.misses)
      .field("evictions", c.evictions)
      .field("bytes", c.bytes)
      .field("capacity_bytes", c.capacity_bytes)
      .field("hit_rate", c.hit_rate())
      .end_object();
}

void families(const KvProperties& backend, JsonWriter& json) {
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

}  // namespace

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

std::string stats_json(const StatsReport& report) {
  const auto& s = report.storage;
  JsonWriter json;
  json.begin_object()
      .field("total_exceptions", s.total_exceptions)
      .field("total_exceptions_min", s.total_exceptions_min)
      .field("total_exceptions_max", s.total_exceptions_max)
      .field("total_properties", s.total_properties)
      .field("partitions", s.partitions)
      .field("partitions_with_runs", s.partitions_with_runs)
      .field("waiting_rows", report.waiting_rows)
      .field("dictionaries", s.dictionaries)
      .field("directory_bytes", report.directory_bytes);
  if (!s.read_only_reason.empty()) json.field("read_only_reason", s.read_only_reason);
  if (!report.damage.empty()) {
    json.begin_list("damage");
    for (const auto& error : report.damage) json.field("", printable(error));
    json.end_list();
  }
  compression(s.compression, json);
  columns(report.columns, json);
  indexes(s.indexes, json);
  cache("record_cache", s.record_cache, json);
  cache("block_cache", s.block_cache, json);
  families(s.backend, json);
  if (!report.keys.empty()) write_keys(report.keys, json);
  json.begin_object("memory")
      .field("bytes", s.memory_bytes)
      .field("budget_bytes", s.memory_budget_bytes)
      .field("index_bytes", s.index_memory_bytes)
      .field("filter_bytes", s.filter_bytes)
      .end_object()
      .end_object();
  return json.text();
}

}  // namespace caveat::cli
