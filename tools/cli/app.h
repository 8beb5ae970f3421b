// The tool as a function.
#pragma once

#include <functional>

namespace caveat::cli {

// Parses the command line, does what it says and returns the exit code.
[[nodiscard]] int run(int argc, char** argv);

// The exit code that `call` returns; of an exception, with a sentence on standard error, that of
// memory that ran out, or of a bug.
[[nodiscard]] int guarded(const std::function<int()>& call);

}  // namespace caveat::cli
