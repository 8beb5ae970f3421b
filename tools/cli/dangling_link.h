// "No such file" is hard to believe of a name that one sees: links whose target is gone.
#pragma once

#include <filesystem>
#include <optional>

#include "caveat/error.h"

namespace caveat::cli {

// not_found with both names, where `path` is a link to what is not there.
[[nodiscard]] std::optional<StorageError> dangling_link(const std::filesystem::path& path);

}  // namespace caveat::cli
