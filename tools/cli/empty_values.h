// Options without a value: what an unset variable of a shell makes of `--source "$SOURCE"`. Taken
// for "not given" they would widen a query, or a removal, so each is refused by name.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "caveat/error.h"

namespace caveat::cli {

// The words behind the program's name. CLI11 gives `--source=` the next word as its value; so it
// is made two words, the second one empty.
[[nodiscard]] std::vector<std::string> command_line(int argc, const char* const* argv);

// After the parse. Where an empty value means something (--reason), it stays.
[[nodiscard]] Result<void> refuse_empty_values(const CLI::App& app);

}  // namespace caveat::cli
