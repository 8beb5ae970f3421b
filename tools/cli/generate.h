// The hidden `caveat --generate KIND`: manual pages, completions and the reference of docs/cli.md,
// all of them from the command line's data.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace caveat::cli {

// `words`: man, or man COMMAND; markdown; bash, zsh or fish; or files DIRECTORY, which writes
// everything that is installed there and is an empty text. invalid_argument for any other.
[[nodiscard]] Result<std::string> generate(const CommandLine& line,
                                           const std::vector<std::string>& words);

}  // namespace caveat::cli
