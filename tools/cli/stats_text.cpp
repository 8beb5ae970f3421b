#include <fmt/format.h>

#include <filesystem>

#include "tools/cli/stats_report.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string each(std::uint64_t bytes, std::uint64_t records) {
  if (records == 0) return "-";
  return fmt::format("{:.2f}", static_cast<double>(bytes) / static_cast<double>(records));
}

std::string records_text(const StatsReport& report) {
  const auto& s = report.storage;
  auto total = grouped(s.total_exceptions);
  if (s.total_exceptions_min != s.total_exceptions_max) {
    total = grouped(s.total_exceptions_min) + " to " + grouped(s.total_exceptions_max);
  }
  const auto note = s.read_only_reason.empty() ? "" : printable(s.read_only_reason) + "\n\n";
  return note + heading("Records") +
         fields_text({{"exceptions", total},
                      {"named properties", grouped(s.total_properties)},
                      {"partitions", grouped(s.partitions)},
                      {"waiting for a rewrite", grouped(s.partitions_with_runs)},
                      {"recent, not yet folded", grouped(report.waiting_rows)},
                      {"dictionaries", grouped(s.dictionaries)}});
}

std::string space_text(const StatsReport& report) {
  const auto& c = report.storage.compression;
  const auto records = report.storage.total_exceptions;
  const auto line = [&](std::uint64_t bytes) {
    return fmt::format("{} ({} a record)", human_bytes(bytes), each(bytes, records));
  };
  return heading("Space") +
         fields_text({{"plain rows", line(c.uncompressed_bytes)},
                      {"compressed", line(c.compressed_bytes)},
                      {"compression ratio", fmt::format("{:.2f}", c.compression_ratio)},
                      {"whole directory", line(report.directory_bytes)}});
}

std::string encodings_text(const ColumnStatistics& column) {
  std::string text;
  for (const auto& [name, blocks] : column.encodings) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, grouped(blocks));
  }
  return text;
}

std::string columns_text(const StatsReport& report) {
  Table table({"column", "raw", "encoded", "compressed", "of raw", "a record", "encodings"});
  ColumnStatistics sum;
  sum.name = "all";
  const auto add = [&](const ColumnStatistics& column) {
    table.add({column.name, grouped(column.raw_bytes), grouped(column.encoded_bytes),
               grouped(column.compressed_bytes), percent(column.compressed_bytes, column.raw_bytes),
               each(column.compressed_bytes, report.storage.total_exceptions),
               encodings_text(column)});
    sum.raw_bytes += column.raw_bytes;
    sum.encoded_bytes += column.encoded_bytes;
    sum.compressed_bytes += column.compressed_bytes;
  };
  for (const auto& column : report.columns) add(column);
  add(ColumnStatistics(sum));
  return heading("Columns, in bytes") + table.text({6});
}

std::string indexes_text(const StatsReport& report) {
  Table table({"index", "containers", "bytes", "a record", "pairs", "in memory", "unindexed"});
  for (const auto& index : report.storage.indexes) {
    table.add({index.name, grouped(index.containers), grouped(index.bytes),
               each(index.bytes, report.storage.total_exceptions), grouped(index.pairs),
               grouped(index.memory_bytes), grouped(index.unindexed)});
  }
  return heading("Indexes") + table.text();
}

std::string caches_text(const StatsReport& report) {
  Table table({"cache", "bytes", "capacity", "hits", "misses", "hit rate"});
  const auto add = [&](const char* name, const CacheStatistics& cache) {
    table.add({name, grouped(cache.bytes), grouped(cache.capacity_bytes), grouped(cache.hits),
               grouped(cache.misses), percent(cache.hits, cache.hits + cache.misses)});
  };
  add("records", report.storage.record_cache);
  add("blocks", report.storage.block_cache);
  return heading("Caches of this command") + table.text();
}

std::string memory_text(const StatsReport& report) {
  const auto& s = report.storage;
  return heading("Memory of this command") +
         fields_text(
             {{"in use", human_bytes(s.memory_bytes) + " of " + human_bytes(s.memory_budget_bytes)},
              {"directory and filter", human_bytes(s.index_memory_bytes)},
              {"key filter", human_bytes(s.filter_bytes)}});
}

}  // namespace

std::string keys_text(const std::vector<KeyUsage>& keys) {
  if (keys.empty()) return {};
  Table table({"key", "values", "bytes"});
  for (const KeyUsage& key : keys) {
    const auto name = key.key_id == 0 ? std::string("unreadable") : std::to_string(key.key_id);
    table.add({name + (key.current ? " (current)" : ""), grouped(key.values), grouped(key.bytes)});
  }
  return heading("Encryption") + table.text();
}

std::string stats_text(const StatsReport& report) {
  return records_text(report) + "\n" + space_text(report) + "\n" + columns_text(report) + "\n" +
         indexes_text(report) + "\n" + caches_text(report) + "\n" + memory_text(report) +
         (report.keys.empty() ? "" : "\n") + keys_text(report.keys);
}

std::uint64_t directory_bytes(const std::string& path) {
  namespace fs = std::filesystem;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;  // the owner may delete files meanwhile
    if (!it->is_regular_file(gone)) continue;
    const auto size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace caveat::cli
