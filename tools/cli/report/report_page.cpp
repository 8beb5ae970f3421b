#include "tools/cli/report/report_page.h"

#include <fmt/format.h>

#include "caveat/version.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/report/html.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

std::string each(double bytes, std::uint64_t records) {
  if (records == 0) return "-";
  return fmt::format("{:.1f} B", bytes / static_cast<double>(records));
}

std::string card(std::string_view what, std::string_view figure, std::string_view note) {
  return fmt::format("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", escape_html(what),
                     escape_html(figure), escape_html(note));
}

std::string soundness(const ReportData& data) {
  if (!data.stats.storage.read_only_reason.empty()) {
    return fmt::format("<p class=\"bad\"><strong>{}</strong></p>",
                       escape_html(data.stats.storage.read_only_reason));
  }
  if (!data.stats.damage.empty() && !data.verified) {
    std::string html = fmt::format(
        "<p class=\"bad\"><strong>Damaged:</strong> {} cannot be read, and the figures "
        "are without what is there. \"caveat verify\" says what to do.</p><ul class=\"bad\">",
        counted(data.stats.damage.size(), "partition"));
    for (std::size_t i = 0; i < data.stats.damage.size() && i < 10; ++i) {
      html += "<li>" + escape_html(data.stats.damage[i]) + "</li>";
    }
    return html + "</ul>";
  }
  if (!data.verified) return "<p class=\"soft\">Not verified: --no-verify was given.</p>";
  const auto& found = *data.verified;
  if (found.sound()) {
    return fmt::format(
        "<p class=\"good\"><strong>Sound.</strong> Every checksum of {}, and every "
        "index against the records both ways.</p>",
        counted(found.partitions, "partition"));
  }
  std::string html = fmt::format(
      "<p class=\"bad\"><strong>Not sound:</strong> {}, {}, {}. \"caveat verify\" says what to "
      "do.</p>"
      "<ul class=\"bad\">",
      counted(found.error_count, "error"), counted(found.missing_hints, "missing hint"),
      counted(found.incomplete_indexes.size(), "incomplete index", "incomplete indexes"));
  for (std::size_t i = 0; i < found.errors.size() && i < 10; ++i) {
    html += "<li>" + escape_html(found.errors[i]) + "</li>";
  }
  return html + "</ul>";
}

std::string unfolded_note(const ReportData& data) {
  if (data.stats.waiting_rows == 0) return "";
  return fmt::format(
      "<p class=\"soft\">{} in the store's log to be folded into "
      "partitions. The directory's sizes are as it is; all that is said of records, blocks and "
      "indexes is of "
      "a copy in which they are folded.</p>",
      counted(data.stats.waiting_rows, "recent write waits", "recent writes wait"));
}

}  // namespace

std::uint64_t bytes_after_optimize(const ReportData& data) {
  const auto now = static_cast<double>(data.stats.storage.compression.compressed_bytes);
  return static_cast<std::uint64_t>(now * data.optimize.ratio());
}

std::string overview_section(const ReportData& data) {
  const auto& s = data.stats.storage;
  const auto& c = s.compression;
  const std::uint64_t gain = c.compressed_bytes - bytes_after_optimize(data);
  std::string made;
  append_time(data.made_at_ns / 1'000'000'000 * 1'000'000'000, made);
  return fmt::format(
             "<header><h1>{}</h1><p class=\"soft\">caveat {}, {}</p></header>\n{}\n"
             "<dl class=\"cards\">",
             escape_html(data.store), CAVEAT_VERSION_STRING, made, soundness(data)) +
         card("Exceptions", grouped(data.census.records),
              fmt::format("of {}, {}", counted(data.census.nodes, "node"),
                          counted(data.census.properties.size(), "property", "properties"))) +
         card("On disk, each",
              each(static_cast<double>(data.stats.directory_bytes), data.census.records),
              human_bytes(data.stats.directory_bytes) + ", all indexes") +
         card("As plain rows, each",
              each(static_cast<double>(c.uncompressed_bytes), data.census.records),
              fmt::format("{:.1f} times the blocks", c.compression_ratio)) +
         card("optimize would save", human_bytes(gain),
              share_text(static_cast<double>(gain), static_cast<double>(c.compressed_bytes)) +
                  " of the blocks") +
         card("Not yet folded", grouped(data.stats.waiting_rows),
              data.stats.waiting_rows == 0 ? "recent writes" : "recent writes; here they are") +
         "</dl>\n" + unfolded_note(data);
}

namespace {

std::string empty_html(const ReportData& data) {
  return html_page(
      "caveat: " + data.store,
      fmt::format("<header><h1>{}</h1><p class=\"soft\">caveat {}</p></header>\n{}\n<main>"
                  "<section aria-labelledby=\"empty\"><h2 id=\"empty\">This store is empty</h2>"
                  "<p>It holds no exceptions: none was stored yet, or all were removed. "
                  "\"caveat import STORE FILE\" fills it from lines of JSON, \"caveat put\" adds "
                  "one; a process that has it open may have written since. Its directory takes {} "
                  "on disk.</p></section></main>\n",
                  escape_html(data.store), CAVEAT_VERSION_STRING, soundness(data),
                  human_bytes(data.stats.directory_bytes)));
}

}  // namespace

std::string report_html(const ReportData& data) {
  // Of nothing there is no share, rate or picture.
  if (data.census.records == 0) return empty_html(data);
  return html_page(
      "caveat: " + data.store,
      overview_section(data) +
          "<nav aria-label=\"Sections\"><ul><li><a href=\"#contents\">What is in it</a></li>"
          "<li><a href=\"#space\">Where the bytes are</a></li>"
          "<li><a href=\"#life\">How it lives</a></li>"
          "<li><a href=\"#owner\">The process that has it open</a></li>"
          "<li><a href=\"#optimize\">What optimize would gain</a></li></ul></nav>\n<main>\n" +
          contents_section(data) + space_section(data) + life_section(data) + owner_section(data) +
          optimize_section(data) + "</main>\n");
}

namespace {

void counts(JsonWriter& json, std::string_view name, const std::vector<NamedCount>& all) {
  json.begin_object(name);
  for (const NamedCount& one : all) json.field(one.name, one.count);
  json.end_object();
}

template <class Numbers>
void numbers(JsonWriter& json, std::string_view name, const Numbers& all) {
  json.begin_list(name);
  for (const std::uint64_t number : all) json.field("", number);
  json.end_list();
}

}  // namespace

std::string report_json(const ReportData& data) {
  JsonWriter json;
  json.begin_object()
      .field("store", printable(data.store))
      .field("exceptions", data.census.records)
      .field("nodes", data.census.nodes)
      .field("properties", std::uint64_t{data.census.properties.size()})
      .field("directory_bytes", data.stats.directory_bytes)
      .field("plain_bytes", data.census.plain_bytes)
      .field("waiting_rows", data.stats.waiting_rows);
  std::vector<NamedCount> sources;
  for (std::size_t i = 0; i < data.census.by_source.size(); ++i) {
    sources.push_back(
        {std::string(to_string(static_cast<ExceptionSource>(i))), data.census.by_source[i]});
  }
  counts(json, "by_source", sources);
  numbers(json, "by_confidence_twentieths", data.census.by_confidence);
  json.begin_list("by_time");
  for (const auto& bucket : data.census.by_time.buckets(60)) {
    json.begin_object()
        .field("begin_ns", bucket.begin_ns)
        .field("count", bucket.count)
        .end_object();
  }
  json.end_list();
  json.begin_list("top_properties");
  for (std::size_t i = 0; i < data.property_names.size(); ++i) {
    const PropertyShare& share = data.census.properties[i];
    json.begin_object()
        .field("name", printable(data.property_names[i].name))
        .field("exceptions", share.records)
        .field("plain_bytes", share.plain_bytes)
        .field("stored_bytes", share.stored_bytes)
        .end_object();
  }
  json.end_list();
  counts(json, "disk_bytes", data.disk);
  numbers(json, "fill_tenths", data.fill);
  numbers(json, "age_tenths", data.age);
  json.begin_list("damage");
  for (const auto& error : data.stats.damage) json.field("", printable(error));
  json.end_list();
  if (data.verified) {
    json.flag("sound", data.verified->sound())
        .field("index_pairs", data.verified->index_pairs)
        .field("stale_hints", data.verified->stale_hints);
  }
  json.begin_object("optimize")
      .field("sample_records", data.optimize.sample_records)
      .field("bytes_now", data.stats.storage.compression.compressed_bytes)
      .field("bytes_after", bytes_after_optimize(data))
      .end_object();
  json.begin_object("lookups")
      .field("absent", data.lookups.absent)
      .field("without_a_block", data.lookups.without_a_block)
      .field("absent_ns", data.lookups.absent_ns)
      .field("present_ns", data.lookups.present_ns)
      .end_object();
  if (data.owner) {
    json.begin_object("owner_metrics");
    for (const auto& [name, value] : data.owner->metrics.all()) json.field(name, value);
    json.end_object();
  }
  json.end_object();
  return json.text();
}

}  // namespace caveat::cli
