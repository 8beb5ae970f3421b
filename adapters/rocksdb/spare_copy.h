// caveat.spare: a second copy of the few values without which no record can be read, which all lie
// in one table of meta: the catalogue, dictionaries, the key sheet, names and clears.
//
// Only a salvage reads it. It is as old as the last flush() or close(): what it gives may be
// missing its newest entries, and holds none that was never so. docs/format/spare.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caveat/error.h"

namespace caveat::detail {

inline constexpr std::string_view kSpareFile = "caveat.spare";
inline constexpr std::string_view kSpareDraft = "caveat.spare.new";

// Keys of meta and their values, in key order, as they are stored.
using SpareEntries = std::vector<std::pair<std::string, std::string>>;

// Letters of meta's keys that are in the copy, in order; and those that records are lost without.
inline constexpr std::string_view kSparedLetters = "CKNTZ";
inline constexpr std::string_view kNeededLetters = "CKZ";

[[nodiscard]] std::string encode_spare(const SpareEntries& entries);
// corruption, where anything is wrong.
[[nodiscard]] Result<SpareEntries> decode_spare(std::string_view bytes);

// Puts it in place as a whole.
[[nodiscard]] Result<void> write_spare(const std::filesystem::path& directory,
                                       const SpareEntries& entries);

}  // namespace caveat::detail
