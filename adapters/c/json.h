// One JSON object, written in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caveat::c {

// Begins as an open object. Inside an object everything has a name; inside a list nothing has.
class Json {
 public:
  Json& begin_object(std::string_view name = {});
  Json& end_object();
  Json& begin_list(std::string_view name = {});
  Json& end_list();
  Json& field(std::string_view name, std::uint64_t value);
  Json& field(std::string_view name, std::int64_t value);
  Json& field(std::string_view name, double value);  // null where it is not finite
  // Bytes that are no UTF-8 are replaced by U+FFFD: messages for people.
  Json& field(std::string_view name, std::string_view value);
  Json& flag(std::string_view name, bool value);

  // Ends the object.
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  void begin_value(std::string_view name);

  std::string text_ = "{";
  bool first_ = true;
};

}  // namespace caveat::c
