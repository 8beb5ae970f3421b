#include "tools/cli/csv_writer.h"

#include "tools/cli/json_text.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

// Text stays as it is, but for text that looks like what bytes are written as.
void append_text(std::string_view text, std::string& out) {
  if (is_utf8(text) && !text.starts_with(kCsvBytesBegin)) return append_csv_field(text, out);
  std::string bytes(kCsvBytesBegin);
  append_base64(text, bytes);
  append_csv_field(bytes + "\"}", out);
}

void append_value(const ValueView& value, std::string& out) {
  std::string json;
  append_json_value(value, json);
  append_csv_field(json, out);
}

}  // namespace

std::string_view csv_header() noexcept {
  return "node,property,property_hash,inherited,actual,reason,source,created_at,confidence\r\n";
}

void append_csv_field(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_csv_record(const ExceptionView& record, const std::optional<std::string>& property_name,
                       std::string& out) {
  out += std::to_string(record.key.node_id) + ",";
  if (property_name) append_text(*property_name, out);
  out += "," + std::to_string(record.key.property_hash) + ",";
  append_value(record.inherited_value, out);
  out += ',';
  append_value(record.actual_value, out);
  out += ',';
  append_text(record.reason, out);
  out += ',';
  out += to_string(record.source);
  out += ',';
  append_time(record.created_at, out);
  out += ',';
  append_json_confidence(record.confidence, out);
  out += "\r\n";
}

}  // namespace caveat::cli
