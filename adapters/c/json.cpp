#include "adapters/c/json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace caveat::c {
namespace {

// Bytes of the UTF-8 sequence at the front, 0 where there is none.
std::size_t sequence_bytes(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && at(1) < 0x90;
    const bool beyond = first == 0xF4 && at(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void append_string(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const auto size = sequence_bytes(text);
    const char c = text.front();
    if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

}  // namespace

void Json::begin_value(std::string_view name) {
  if (!first_) text_ += ',';
  first_ = false;
  if (name.empty()) return;
  append_string(name, text_);
  text_ += ':';
}

Json& Json::begin_object(std::string_view name) {
  begin_value(name);
  text_ += '{';
  first_ = true;
  return *this;
}

Json& Json::end_object() {
  text_ += '}';
  first_ = false;
  return *this;
}

Json& Json::begin_list(std::string_view name) {
  begin_value(name);
  text_ += '[';
  first_ = true;
  return *this;
}

Json& Json::end_list() {
  text_ += ']';
  first_ = false;
  return *this;
}

Json& Json::field(std::string_view name, std::uint64_t value) {
  begin_value(name);
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

Json& Json::field(std::string_view name, std::int64_t value) {
  begin_value(name);
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

Json& Json::field(std::string_view name, double value) {
  begin_value(name);
  if (!std::isfinite(value)) {
    text_ += "null";
  } else {
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  return *this;
}

Json& Json::field(std::string_view name, std::string_view value) {
  begin_value(name);
  append_string(value, text_);
  return *this;
}

Json& Json::flag(std::string_view name, bool value) {
  begin_value(name);
  text_ += value ? "true" : "false";
  return *this;
}

}  // namespace caveat::c
