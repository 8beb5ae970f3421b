// JSON objects and lists, written in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/json/json_text.h"

namespace caveat::json {

// Inside an object everything has a name; inside a list and at the top the name is empty.
class JsonWriter {
 public:
  // How a string is written that may hold anything.
  using AppendString = void (*)(std::string_view, std::string&);
  explicit JsonWriter(AppendString append = append_json_message) : append_string_(append) {}

  JsonWriter& begin_object(std::string_view name = {});
  JsonWriter& end_object();
  JsonWriter& begin_list(std::string_view name = {});
  JsonWriter& end_list();

  JsonWriter& field(std::string_view name, std::uint64_t value);
  JsonWriter& field(std::string_view name, std::int64_t value);
  JsonWriter& field(std::string_view name, double value);
  JsonWriter& field(std::string_view name, std::string_view value);
  JsonWriter& field(std::string_view name, const char* value) {
    return field(name, std::string_view(value));
  }
  JsonWriter& flag(std::string_view name, bool value);

  [[nodiscard]] const std::string& written() const noexcept { return text_; }

 private:
  void name(std::string_view name);

  AppendString append_string_;
  std::string text_;
  bool first_ = true;
};

}  // namespace caveat::json
