// JSON values to plainly encoded values. Part of the reader.
#pragma once

#include <simdjson.h>

#include <string>

#include "caveat/error.h"

namespace caveat::cli {

// Appends the plain encoding. Errors say what is wrong, without the field.
[[nodiscard]] Result<void> encode_json_value(const simdjson::dom::element& element,
                                             std::size_t depth, std::string& out);

// A string, or the bytes of a $bytes object (decoded into `buffer`).
[[nodiscard]] Result<std::string_view> json_bytes(const simdjson::dom::element& element,
                                                  std::string& buffer);

}  // namespace caveat::cli
