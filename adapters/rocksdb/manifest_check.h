// Is the MANIFEST sound? Asked before RocksDB reads it, because RocksDB takes some damage for its
// end: it would open the store as it was once, and delete the tables it does not know.
//
// If the whole system went down, sectors of the last edits, which were never synced, may be missing
// while later ones are there. RocksDB refuses that, or reads on behind it: the file is cut there
// first. An edit that was synced once is not cut off unseen, for what it made obsolete is removed
// then: a log or a table that is needed without it is missing, and the store does not open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "adapters/rocksdb/store_directory.h"
#include "caveat/error.h"

namespace caveat::detail {

// Where the MANIFEST ends, if that is before the end of the file.
struct ManifestEnd {
  std::string name;  // empty: it does not
  std::uint64_t offset = 0;
};

// corruption where something sound is behind a place that cannot be read, or the last record is
// whole but wrong, unless power was lost since `open` and the place was never written. A torn end
// is what a crash leaves; an end that is missing cannot be told from it. Errors name the file as
// one of the directory `shown`. Writes nothing.
[[nodiscard]] Result<ManifestEnd> check_manifest(const std::filesystem::path& directory,
                                                 const std::filesystem::path& shown,
                                                 const OpenLogs& open);

}  // namespace caveat::detail
