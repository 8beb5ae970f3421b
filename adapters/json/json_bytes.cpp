// What loses no byte, by simdjson.
#include <simdjson.h>

#include "adapters/json/json_text.h"

namespace caveat::json {

void append_json_bytes(std::string_view bytes, std::string& out) {
  if (is_utf8(bytes)) return append_json_string(bytes, out);
  out += "{\"$bytes\":\"";
  append_base64(bytes, out);
  out += "\"}";
}

bool is_utf8(std::string_view bytes) noexcept {
  return simdjson::validate_utf8(bytes.data(), bytes.size());
}

}  // namespace caveat::json
