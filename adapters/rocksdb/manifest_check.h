// Is the MANIFEST sound? Asked before RocksDB reads it, because RocksDB takes some damage for its
// end: it would open the store as it was once, and delete the tables it does not know.
//
// If the whole system went down, sectors of the last edits, which were never synced, may be missing
// while later ones are there. RocksDB refuses that, or reads on behind it: the file is cut there
// first. What was synced once is not cut off unseen: caveat.lock says how much that is
// (manifest_note.h). Where it does not, for a store that an older caveat had open last, the tables
// that are there must fit. docs/decisions/0137-the-end-of-a-manifest.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "adapters/rocksdb/manifest_note.h"
#include "adapters/rocksdb/store_directory.h"
#include "caveat/error.h"

namespace caveat::detail {

// Where the MANIFEST ends, if that is before the end of the file.
struct ManifestEnd {
  std::string name;  // empty: it does not
  std::uint64_t offset = 0;
};

// corruption where something sound is behind a place that cannot be read, or the last record is
// whole but wrong, unless power was lost since `open` and the place was never written; and where
// the end is missing, as check_manifest_end() says. A torn end behind what was noted is what a
// crash leaves. Errors name the file as one of the directory `shown`. Writes nothing.
[[nodiscard]] Result<ManifestEnd> check_manifest(const std::filesystem::path& directory,
                                                 const std::filesystem::path& shown,
                                                 const OpenLogs& open, const ManifestNote& note);

// corruption where it is not, or does not begin with, what `note` says of it; if that says nothing,
// where it and the tables do not go together. Also of a store that somebody has open.
[[nodiscard]] Result<void> check_manifest_end(const std::filesystem::path& directory,
                                              const std::filesystem::path& shown,
                                              const OpenLogs& open, const ManifestNote& note);

}  // namespace caveat::detail
