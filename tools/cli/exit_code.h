// How the tool ends. Documented in docs/cli.md and in `caveat --help`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "caveat/error.h"

namespace caveat::cli {

enum ExitCode : int {
  kDone = 0,
  kDataError = 1,      // a bad line, corruption, errors found by verify
  kUsageError = 2,     // the command line is wrong
  kNotFound = 3,       // no such store, file or record
  kLocked = 4,         // another process has the store open
  kIoError = 5,        // the file system said no, or the disk is full
  kInternalError = 6,  // a bug
  kOutOfMemory = 7,    // the machine, or a limit, has no more
  kInterrupted = 130,  // Ctrl-C; what was done stays
};

[[nodiscard]] ExitCode exit_code_of(ErrorCode code) noexcept;

// Each with its meaning, for --help and the documents.
[[nodiscard]] const std::vector<std::pair<std::string, std::string>>& exit_codes();

}  // namespace caveat::cli
