// What somebody may have meant who typed a word that the tool does not know.
#pragma once

#include <string>
#include <string_view>

#include "tools/cli/command.h"

namespace caveat::cli {

// A command, or an option in place of one; empty if there is none like the word.
[[nodiscard]] std::string meant_command(const CommandLine& line, std::string_view word);

// What to do instead of an option in place of a command.
[[nodiscard]] std::string meant_instead(const CommandLine& line, std::string_view option);

}  // namespace caveat::cli
