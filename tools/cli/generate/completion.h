// Completions of commands, options and values, for three shells. They need nothing but the shell.
#pragma once

#include <string>

#include "tools/cli/command.h"

namespace caveat::cli {

[[nodiscard]] std::string bash_completion(const CommandLine& line);
[[nodiscard]] std::string zsh_completion(const CommandLine& line);
[[nodiscard]] std::string fish_completion(const CommandLine& line);

}  // namespace caveat::cli
