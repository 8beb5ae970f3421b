// What a store's directory held when it was opened, as far as tables go.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "caveat/kv_backend.h"

namespace caveat::detail {

using FamilyBytes = std::array<std::uint64_t, kFamilyCount>;  // by Family

// Bytes of the live tables that opening found: KvProperties::PerFamily counts those, too, that it
// made out of a log. 0 of a backend without a directory.
[[nodiscard]] FamilyBytes found_table_bytes(const KvBackend& backend) noexcept;

// The number of the newest table in a directory, 0 without one. Numbers only grow.
[[nodiscard]] std::uint64_t newest_table(const std::filesystem::path& directory);

}  // namespace caveat::detail
