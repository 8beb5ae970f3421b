// The tool as a function.
#pragma once

namespace caveat::cli {

// Parses the command line, does what it says and returns the exit code.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace caveat::cli
