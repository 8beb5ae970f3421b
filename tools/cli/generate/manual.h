// Manual pages, and the reference part of docs/cli.md.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace caveat::cli {

// In the man macros, for man-db and mandoc: caveat(1), and caveat-COMMAND(1).
[[nodiscard]] std::string manual_page(const CommandLine& line);
[[nodiscard]] std::string manual_page(const Command& command);

[[nodiscard]] std::string markdown_reference(const CommandLine& line);

}  // namespace caveat::cli
