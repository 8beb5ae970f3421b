#include "tools/cli/ndjson_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "tools/cli/json_text.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {

void append_json_value(const ValueView& value, std::string& out) {
  switch (value.kind()) {
    case ValueKind::Null:
      out += "null";
      break;
    case ValueKind::Boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case ValueKind::Integer:
      fmt::format_to(std::back_inserter(out), "{}", value.as_integer());
      break;
    case ValueKind::Float:
      append_json_float(value.as_float(), out);
      break;
    case ValueKind::String:
      append_json_bytes(value.as_string(), out);
      break;
    case ValueKind::List: {
      out += '[';
      auto rest = value.payload();
      for (bool first = true; const auto element = ValueView::next_element(rest); first = false) {
        if (!first) out += ',';
        append_json_value(*element, out);
      }
      out += ']';
      break;
    }
  }
}

void append_json_record(const ExceptionView& record,
                        const std::optional<std::string>& property_name, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{{\"node\":{}", record.key.node_id);
  if (property_name) {
    out += ",\"property\":";
    append_json_bytes(*property_name, out);
  } else {
    fmt::format_to(std::back_inserter(out), ",\"property_hash\":{}", record.key.property_hash);
  }
  out += ",\"inherited\":";
  append_json_value(record.inherited_value, out);
  out += ",\"actual\":";
  append_json_value(record.actual_value, out);
  out += ",\"reason\":";
  append_json_bytes(record.reason, out);
  out += ",\"source\":\"";
  out += to_string(record.source);
  out += "\",\"created_at\":\"";
  append_time(record.created_at, out);
  out += "\",\"confidence\":";
  append_json_confidence(record.confidence, out);
  out += '}';
}

}  // namespace caveat::cli
