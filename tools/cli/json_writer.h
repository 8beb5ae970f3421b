// JSON for --json: objects and lists written in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caveat::cli {

// Inside an object everything has a name; inside a list and at the top the name is empty.
class JsonWriter {
 public:
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

  // The whole text with a line feed.
  [[nodiscard]] std::string text() const { return text_ + "\n"; }

 private:
  void name(std::string_view name);

  std::string text_;
  bool first_ = true;
};

}  // namespace caveat::cli
