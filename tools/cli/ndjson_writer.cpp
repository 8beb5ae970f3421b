#include "tools/cli/ndjson_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "tools/cli/json_text.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {

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
