// The edits of a MANIFEST, read to its end: which tables it knows, and which families.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "caveat/error.h"

namespace caveat::detail {

struct ManifestContents {
  std::set<std::uint64_t> tables;  // ever added, also those that were removed again
  std::set<std::string> families;  // ever added, as RocksDB names them
  bool whole = false;              // every edit was understood
};

// io_error; not_found. What is behind damage is left out, as RocksDB does.
[[nodiscard]] Result<ManifestContents> read_manifest_contents(
    const std::filesystem::path& manifest);

// Numbers of the tables that are in the directory and not empty.
[[nodiscard]] Result<std::set<std::uint64_t>> list_tables(const std::filesystem::path& directory);

// Is there a log with anything in it? A store that was closed has none.
[[nodiscard]] bool has_logged(const std::filesystem::path& directory);

// Does the MANIFEST fit the tables that are there, and our families? A sentence on what does not;
// empty: it does, or that cannot be said. `closed`: the store was closed, so nothing of unfinished
// work is left over; without that only what never can be is told.
[[nodiscard]] Result<std::string> manifest_misfit(const std::filesystem::path& manifest,
                                                  bool closed);

}  // namespace caveat::detail
