// Records as lines of JSON, in the form that docs/cli.md describes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "caveat/exception_view.h"

namespace caveat::cli {

// One object without a line feed. `property_name` empty: the property is known by its hash alone.
void append_json_record(const ExceptionView& record,
                        const std::optional<std::string>& property_name, std::string& out);

}  // namespace caveat::cli
