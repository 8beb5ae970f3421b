// JSON for --json.
#pragma once

#include <string>

#include "adapters/json/json_writer.h"

namespace caveat::cli {

// Loses no byte of a string.
class JsonWriter : public json::JsonWriter {
 public:
  JsonWriter() : json::JsonWriter(json::append_json_bytes) {}

  // The whole text with a line feed.
  [[nodiscard]] std::string text() const { return written() + "\n"; }
};

}  // namespace caveat::cli
