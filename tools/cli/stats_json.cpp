#include "adapters/json/reports.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {

// The library's figures, and around them what only the tool knows or named first.
std::string stats_json(const StatsReport& report) {
  const auto& s = report.storage;
  JsonWriter json;
  json.begin_object();
  json::write(s, json);
  json.field("waiting_rows", report.waiting_rows).field("directory_bytes", report.directory_bytes);
  if (!s.read_only_reason.empty()) json.field("read_only_reason", s.read_only_reason);
  if (!report.damage.empty()) {
    json.begin_list("damage");
    for (const auto& error : report.damage) json.field("", printable(error));
    json.end_list();
  }
  json::write_columns(report.columns, json);
  json::write_families(s.backend, json);
  if (!report.keys.empty()) json::write_keys(report.keys, json);
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
