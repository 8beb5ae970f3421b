// Pieces of JSON text that lose nothing. Forms that JSON lacks are in docs/cli.md:
//   a string that is no UTF-8   {"$bytes":"<base64>"}
//   infinities and NaNs         {"$float":"inf"}, {"$float":"-inf"}, {"$float":"nan:<16 hex
//   digits>"}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caveat::json {

// In quotes, escaped. The text is UTF-8.
void append_json_string(std::string_view text, std::string& out);

// For people: bytes that are no UTF-8 are replaced by U+FFFD.
void append_json_message(std::string_view text, std::string& out);

// A string, or the $bytes form where the bytes are no UTF-8.
void append_json_bytes(std::string_view bytes, std::string& out);

// The shortest text that reads back as the same float; never looks like an integer.
void append_json_float(double value, std::string& out);

// The shortest text that reads back as the same float, also by way of a double.
void append_json_confidence(float value, std::string& out);

// What $float holds, if it is one of the three forms.
[[nodiscard]] std::optional<double> special_float(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

void append_base64(std::string_view bytes, std::string& out);
// Padded, nothing else in it, and no stray bits at the end: each value has one text.
[[nodiscard]] std::optional<std::string> bytes_of_base64(std::string_view text);

}  // namespace caveat::json
