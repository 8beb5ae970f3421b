// Records as CSV, by RFC 4180: a header, lines that end in CR LF, quotes where a field needs them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "caveat/exception_view.h"

namespace caveat::cli {

// node,property,property_hash,inherited,actual,reason,source,created_at,confidence
[[nodiscard]] std::string_view csv_header() noexcept;

// A text field (property, reason) that begins so is the base64 of its bytes, up to a quote and a
// brace; any other is the text itself. So is written what is no UTF-8, and text that begins so.
inline constexpr std::string_view kCsvBytesBegin = "{\"$bytes\":\"";

// The two values are JSON, so that each keeps its kind: the string "1" is """1""", the number 1.
// The property is empty where only the hash is known.
void append_csv_record(const ExceptionView& record, const std::optional<std::string>& property_name,
                       std::string& out);

void append_csv_field(std::string_view text, std::string& out);

}  // namespace caveat::cli
