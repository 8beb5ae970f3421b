#include "adapters/json/json_text.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>

namespace caveat::json {
namespace {

constexpr std::size_t kFloatTextMax = 64;

// Plain notation where people would use it, as Python does: the data sets are written that way.
template <class T>
std::string shortest(T value) {
  char text[kFloatTextMax];
  const auto size = std::fabs(value);
  const bool plain = size == 0 || (size >= T(1e-4) && size < T(1e16));
  const auto end = std::to_chars(text, text + kFloatTextMax, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string result(text, end);
  if (result.find_first_of(".e") == std::string::npos) result += ".0";
  return result;
}

float by_way_of_double(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return static_cast<float>(value);
}

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

void append_escape(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    default:
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  }
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    append_escape(c, out);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

void append_json_message(std::string_view text, std::string& out) {
  std::string shown;
  while (!text.empty()) {
    const auto size = sequence_bytes(text);
    shown += size == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  append_json_string(shown, out);
}

void append_json_float(double value, std::string& out) {
  if (std::isfinite(value)) {
    out += shortest(value);
  } else if (std::isinf(value)) {
    out += value > 0 ? R"({"$float":"inf"})" : R"({"$float":"-inf"})";
  } else {
    out += fmt::format(R"({{"$float":"nan:{:016x}"}})", std::bit_cast<std::uint64_t>(value));
  }
}

void append_json_confidence(float value, std::string& out) {
  auto text = shortest(value);
  // Readers make a double of it first; in rare cases rounding twice would give a neighbour.
  if (by_way_of_double(text) != value) text = shortest(static_cast<double>(value));
  out += text;
}

std::optional<double> special_float(std::string_view text) noexcept {
  if (text == "inf") return HUGE_VAL;
  if (text == "-inf") return -HUGE_VAL;
  constexpr std::string_view kNan = "nan:";
  if (text.size() != kNan.size() + 16 || text.substr(0, kNan.size()) != kNan) return std::nullopt;
  text.remove_prefix(kNan.size());
  if (text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  const auto value = std::bit_cast<double>(bits);
  if (!std::isnan(value)) return std::nullopt;
  return value;
}

}  // namespace caveat::json
