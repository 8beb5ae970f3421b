// What --help prints.
#pragma once

#include <string>
#include <string_view>

#include "tools/cli/command.h"

namespace caveat::cli {

inline constexpr const char* kPurpose =
    "caveat keeps exceptions to inherited property values; this is the tool to fill a store and to "
    "look inside. The store's directory is the first argument of every command.";
inline constexpr const char* kExample =
    "caveat import STORE records.ndjson.zst && caveat stats STORE";

[[nodiscard]] std::string help_text(const CommandLine& line);
[[nodiscard]] std::string help_text(const Command& command);

// "caveat query [OPTIONS] STORE [FILTER]"
[[nodiscard]] std::string usage_of(const Command& command);
// "-o, --output FILE"
[[nodiscard]] std::string heading_of(const Option& option);
// The help, and what it does not say of its own: what it excludes.
[[nodiscard]] std::string description_of(const Option& option);

}  // namespace caveat::cli
