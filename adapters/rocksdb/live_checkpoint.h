// A private copy of a store that another process may have open.
#pragma once

#include <filesystem>

#include "caveat/error.h"

namespace caveat {

// Makes a consistent copy of the store at `path` in a new directory below `scratch_dir` (made if
// absent) and returns its path. The copy holds everything acknowledged before the call, opens like
// any store, and is the caller's to delete. Table files are hard links where both are on one file
// system, so it costs little space. The original is not changed, whether anybody has it open or
// not. Errors: not_found, unsupported_format, corruption, io_error, no_space; busy if the owner
// kept changing the store's files during every attempt.
[[nodiscard]] Result<std::filesystem::path> checkpoint_of_live_store(
    const std::filesystem::path& path, const std::filesystem::path& scratch_dir);

}  // namespace caveat
