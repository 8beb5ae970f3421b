// JSON values to plainly encoded values, and back.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "caveat/error.h"
#include "caveat/exception_view.h"

namespace caveat::json {

void append_json_value(const ValueView& value, std::string& out);

// Appends the plain encoding; `depth` lists are around it already. Errors say what is wrong,
// without the field.
[[nodiscard]] Result<void> encode_json_value(const simdjson::dom::element& element,
                                             std::size_t depth, std::string& out);

// A string, or the bytes of a $bytes object (decoded into `buffer`).
[[nodiscard]] Result<std::string_view> json_bytes(const simdjson::dom::element& element,
                                                  std::string& buffer);

}  // namespace caveat::json
