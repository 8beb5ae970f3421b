// From words to what they mean: the command line's data given to a parser of the library CLI11.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace caveat::cli {

// The words behind the program's name. CLI11 gives `--source=` the next word as its value; so it
// is made two words, the second one empty.
[[nodiscard]] std::vector<std::string> command_line(int argc, const char* const* argv);

struct Parsed {
  const Command* command = nullptr;
  bool help = false;  // of the command
};
// The options of the command get their values. invalid_argument: wrong usage, in a sentence. An
// option without a value, which is what an unset variable of a shell makes of `--source "$SOURCE"`,
// would widen a query, or a removal, if it was taken for "not given": each is refused by name.
[[nodiscard]] Result<Parsed> parse(const CommandLine& line, std::vector<std::string> words);

}  // namespace caveat::cli
