#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/report/html.h"
#include "tools/cli/report/report_page.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

std::string section(std::string_view id, std::string_view title, std::string_view intro,
                    std::string_view body) {
  return fmt::format(
      "<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2><p>{2}</p>\n{3}"
      "</section>\n",
      id, title, intro, body);
}

std::string pair_of(std::string_view left, std::string_view right) {
  return fmt::format("<div class=\"pair\">{}{}</div>\n", left, right);
}

std::string bytes_each(double bytes, std::uint64_t records) {
  if (records == 0) return "-";
  return fmt::format("{:.2f}", bytes / static_cast<double>(records));
}

// The day, where a day is all that matters.
std::string moment(std::int64_t ns, bool day_only) {
  std::string text;
  append_time(ns, text);
  return day_only ? text.substr(0, text.find('T')) : text;
}

// --- what is in it ---------------------------------------------------------------------------

std::string sources_table(const Census& census) {
  std::vector<BarRow> rows;
  for (std::size_t i = 0; i < census.by_source.size(); ++i) {
    const auto count = static_cast<double>(census.by_source[i]);
    rows.push_back(
        {std::string(to_string(static_cast<ExceptionSource>(i))),
         count,
         {grouped(census.by_source[i]), share_text(count, static_cast<double>(census.records))}});
  }
  return bar_table("Where exceptions come from", {"source", "exceptions", "share"}, rows);
}

std::string kinds_table(const Census& census) {
  constexpr std::array<const char*, 6> kNames = {"null",  "boolean", "integer",
                                                 "float", "string",  "list"};
  std::vector<BarRow> rows;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto count = static_cast<double>(census.by_kind[i]);
    rows.push_back(
        {kNames[i],
         count,
         {grouped(census.by_kind[i]), share_text(count, static_cast<double>(census.records))}});
  }
  return bar_table("What the actual values are", {"kind", "exceptions", "share"}, rows);
}

std::string confidence_chart(const Census& census) {
  std::vector<ColumnBar> bars;
  std::size_t most = 0;
  for (std::size_t i = 0; i < Census::kConfidenceBuckets; ++i) {
    const bool last = i + 1 == Census::kConfidenceBuckets;
    bars.push_back({fmt::format("{:.2f} to {:.2f}{}", 0.05 * static_cast<double>(i),
                                0.05 * static_cast<double>(i + 1), last ? "" : " (below)"),
                    census.by_confidence[i]});
    if (census.by_confidence[i] > census.by_confidence[most]) most = i;
  }
  return column_chart(
      {"Confidence", "exceptions",
       fmt::format("Histogram of confidence from 0 to 1. Most, {}, are at {}.",
                   counted(census.by_confidence[most], "exception"), bars[most].label),
       "0", "0.5", "1"},
      bars);
}

std::string time_chart(const Census& census) {
  const auto buckets = census.by_time.buckets(60);
  if (buckets.empty()) return "";
  constexpr std::int64_t kDay = 86'400'000'000'000;
  const std::int64_t width = buckets.size() > 1 ? buckets[1].begin_ns - buckets[0].begin_ns : kDay;
  const bool days = width >= kDay / 2;
  std::vector<ColumnBar> bars;
  for (const auto& bucket : buckets) {
    bars.push_back({"from " + moment(bucket.begin_ns, days), bucket.count});
  }
  const std::string first = moment(census.by_time.first_ns(), days);
  const std::string last = moment(census.by_time.last_ns(), days);
  return column_chart(
      {"Creation time", "exceptions",
       fmt::format("Time line of creation from {} to {}.", first, last), first, "", last},
      bars);
}

std::string properties_table(const ReportData& data) {
  std::vector<BarRow> rows;
  for (std::size_t i = 0; i < data.property_names.size(); ++i) {
    const PropertyShare& share = data.census.properties[i];
    rows.push_back(
        {data.property_names[i].name,
         static_cast<double>(share.records),
         {grouped(share.records),
          share_text(static_cast<double>(share.records), static_cast<double>(data.census.records)),
          human_bytes(static_cast<std::uint64_t>(share.stored_bytes)),
          bytes_each(share.stored_bytes, share.records)}});
  }
  return bar_table(fmt::format("The {} properties with the most exceptions, of {}", rows.size(),
                               grouped(data.census.properties.size())),
                   {"property", "exceptions", "share", "in blocks, about", "bytes each"}, rows);
}

}  // namespace

std::string contents_section(const ReportData& data) {
  const Census& census = data.census;
  const double per_node =
      census.nodes == 0 ? 0.0
                        : static_cast<double>(census.records) / static_cast<double>(census.nodes);
  return section("contents", "What is in it",
                 fmt::format("{} of {}, {:.1f} a node.", counted(census.records, "exception"),
                             counted(census.nodes, "node"), per_node),
                 pair_of(sources_table(census), kinds_table(census)) +
                     pair_of(confidence_chart(census), time_chart(census)) +
                     properties_table(data));
}

// --- where the bytes are ---------------------------------------------------------------------

namespace {

// Those that most blocks chose.
std::string encodings_of(const ColumnStatistics& column) {
  auto sorted = column.encodings;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < sorted.size() && i < kShown; ++i) {
    text +=
        fmt::format("{}{} in {}", i == 0 ? "" : ", ", sorted[i].first, grouped(sorted[i].second));
  }
  if (sorted.size() > kShown) text += fmt::format(", and {} more", sorted.size() - kShown);
  return text;
}

}  // namespace

std::string space_section(const ReportData& data) {
  const std::uint64_t records = data.census.records;
  std::vector<BarRow> disk;
  for (const NamedCount& part : data.disk) {
    const auto bytes = static_cast<double>(part.count);
    disk.push_back({part.name,
                    bytes,
                    {human_bytes(part.count),
                     share_text(bytes, static_cast<double>(data.stats.directory_bytes)),
                     bytes_each(bytes, records)}});
  }
  std::vector<BarRow> columns;
  for (const ColumnStatistics& column : data.stats.columns) {
    columns.push_back({column.name,
                       static_cast<double>(column.compressed_bytes),
                       {human_bytes(column.compressed_bytes),
                        bytes_each(static_cast<double>(column.compressed_bytes), records),
                        bytes_each(static_cast<double>(column.encoded_bytes), records),
                        bytes_each(static_cast<double>(column.raw_bytes), records),
                        share_text(static_cast<double>(column.compressed_bytes),
                                   static_cast<double>(column.raw_bytes))},
                       encodings_of(column)});
  }
  return section(
      "space", "Where the bytes are",
      fmt::format("The directory takes {}, {} bytes an exception. Blocks keep records in columns; "
                  "each column is encoded as suits it in each block, and strings are compressed.",
                  human_bytes(data.stats.directory_bytes),
                  bytes_each(static_cast<double>(data.stats.directory_bytes), records)),
      bar_table(data.stats.waiting_rows == 0
                    ? "Parts of the directory"
                    : "Parts of the directory, before recent writes are folded",
                {"part", "on disk", "share", "bytes an exception"}, disk) +
          bar_table("Columns of the blocks, bytes an exception",
                    {"column", "stored", "stored each", "encoded each", "plain each", "of plain",
                     "encodings, and in how many blocks"},
                    columns));
}

// --- how it lives ----------------------------------------------------------------------------

namespace {

std::vector<ColumnBar> tenths(const std::vector<std::uint64_t>& counts) {
  std::vector<ColumnBar> bars;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    bars.push_back({fmt::format("{}% to {}%", i * 10, i * 10 + 10), counts[i]});
  }
  return bars;
}

std::string index_table(const ReportData& data) {
  std::vector<std::vector<std::string>> rows;
  for (const IndexStatistics& index : data.stats.storage.indexes) {
    if (index.name == "primary") continue;  // the records themselves
    rows.push_back({index.name, grouped(index.containers), grouped(index.pairs),
                    human_bytes(index.bytes), grouped(index.unindexed)});
  }
  std::string caption = "Indexes";
  if (data.verified) {
    caption = fmt::format("Indexes: {} of {} hints are stale ({}); {} are missing",
                          grouped(data.verified->stale_hints), grouped(data.verified->index_pairs),
                          share_text(static_cast<double>(data.verified->stale_hints),
                                     static_cast<double>(data.verified->index_pairs)),
                          grouped(data.verified->missing_hints));
  }
  return plain_table(caption, {"index", "containers", "hints", "bytes", "partitions not in it"},
                     rows);
}

std::string lookup_table(const LookupTrial& trial) {
  return plain_table(
      "Lookups, tried now on a copy of the store",
      {"asked for", "keys", "each", "answered without a block"},
      {{"keys that are not there", grouped(trial.absent), human_duration(trial.absent_ns),
        share_text(static_cast<double>(trial.without_a_block), static_cast<double>(trial.absent))},
       {"keys that are, from the cache", grouped(trial.present), human_duration(trial.present_ns),
        "-"}});
}

}  // namespace

std::string life_section(const ReportData& data) {
  const auto& s = data.stats.storage;
  return section(
      "life", "How it lives",
      fmt::format(
          "{}, of which {} to be rewritten with the newer rows appended{}.",
          counted(s.partitions, "partition"), counted(s.partitions_with_runs, "waits", "wait"),
          data.stats.waiting_rows == 0
              ? ""
              : fmt::format(
                    ", after {} folded in this copy",
                    counted(data.stats.waiting_rows, "recent write was", "recent writes were"))),
      pair_of(column_chart({"How full partitions are", "partitions",
                            "Partitions by how full they are, in tenths of their bound.", "empty",
                            "half", "full"},
                           tenths(data.fill)),
              column_chart({"Age of blocks", "partitions",
                            "Blocks by age: the share of all writes that came after they were "
                            "written.",
                            "just written", "share of all writes since", "oldest"},
                           tenths(data.age))) +
          pair_of(index_table(data), lookup_table(data.lookups)));
}

// --- what optimize would gain ----------------------------------------------------------------

std::string optimize_section(const ReportData& data) {
  const std::uint64_t now = data.stats.storage.compression.compressed_bytes;
  const std::uint64_t after = bytes_after_optimize(data);
  const std::uint64_t records = data.census.records;
  const auto line = [&](const char* name, std::uint64_t bytes) {
    return BarRow{name,
                  static_cast<double>(bytes),
                  {human_bytes(bytes), bytes_each(static_cast<double>(bytes), records)}};
  };
  return section(
      "optimize", "What optimize would gain",
      fmt::format(
          "Found by optimizing a sample of {} neighbouring records in memory, with the "
          "library's default options. {}",
          grouped(data.optimize.sample_records),
          now > after
              ? fmt::format("\"caveat optimize\" would give back about {} ({}); "
                            "\"caveat compact\" then returns it to the file system.",
                            human_bytes(now - after),
                            share_text(static_cast<double>(now - after), static_cast<double>(now)))
              : "There is nothing to gain."),
      bar_table("Blocks", {"", "bytes", "bytes an exception"},
                {line("now", now), line("optimized, about", after)}));
}

}  // namespace caveat::cli
