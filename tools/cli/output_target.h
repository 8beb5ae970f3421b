// What stands where a file is to be written, and so how it may be written.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "caveat/error.h"

namespace caveat::cli {

struct OutputTarget {
  // A pipe, a device, or a file that some process has open and names by its descriptor: only
  // writing into it makes sense. Else there is nothing, or a regular file, which may be replaced.
  bool in_place = false;
  int descriptor = -1;               // one of ours that is the same thing; -1: open `path`
  std::string path;                  // with links followed to what they name
  std::optional<struct stat> there;  // of a regular file that is to be replaced
};

// io_error where links go round in a circle, or the path cannot be looked at.
[[nodiscard]] Result<OutputTarget> find_output_target(const std::string& path);

// The mode and, where this process may, the owner of what is replaced. No right is given to
// anyone who did not have it.
[[nodiscard]] bool take_over_rights(int descriptor, const struct stat& from);

}  // namespace caveat::cli
