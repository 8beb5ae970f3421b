#include "adapters/json/json_writer.h"

namespace caveat::json {

void JsonWriter::name(std::string_view name) {
  if (!first_) text_ += ',';
  first_ = false;
  if (name.empty()) return;
  append_json_string(name, text_);
  text_ += ':';
}

JsonWriter& JsonWriter::begin_object(std::string_view object) {
  name(object);
  text_ += '{';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  text_ += '}';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::begin_list(std::string_view list) {
  name(list);
  text_ += '[';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_list() {
  text_ += ']';
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::field(std::string_view key, std::uint64_t value) {
  name(key);
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::field(std::string_view key, std::int64_t value) {
  name(key);
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::field(std::string_view key, double value) {
  name(key);
  append_json_float(value, text_);
  return *this;
}

JsonWriter& JsonWriter::field(std::string_view key, std::string_view value) {
  name(key);
  append_string_(value, text_);
  return *this;
}

JsonWriter& JsonWriter::flag(std::string_view key, bool value) {
  name(key);
  text_ += value ? "true" : "false";
  return *this;
}

}  // namespace caveat::json
