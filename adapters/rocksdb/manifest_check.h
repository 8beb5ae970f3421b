// Is the MANIFEST sound? Asked before RocksDB reads it, because RocksDB takes some damage for its
// end: it would open the store as it was once, and delete the tables it does not know.
#pragma once

#include <filesystem>

#include "caveat/error.h"

namespace caveat::detail {

// corruption where something sound is behind a place that cannot be read, or the last record is
// whole but wrong. A torn end is what a crash leaves; an end that is missing cannot be told from
// it. Errors name the file as one of the directory `shown`. Writes nothing.
[[nodiscard]] Result<void> check_manifest(const std::filesystem::path& directory,
                                          const std::filesystem::path& shown);

}  // namespace caveat::detail
