// What a store holds that a caveat must know of to read it right: the feature bits of its
// superblock.
//
//   meta key 'S', feature bits: bit n is set     feature n is used
//   meta key 'F', n as one byte: text            its name, for whoever does not know it
//
// A bit and its name are on disk no later than the first byte that needs them, and stay. A store
// with a bit that is unknown is refused by name: no newer store is taken for a damaged one.
// docs/format/superblock.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "caveat/kv_backend.h"
#include "engine/store/superblock.h"

namespace caveat {

// The number is the bit, for ever.
enum class Feature : std::uint8_t {
  names_without_hashes = 0,  // catalogue segments of version 2
  frames_of_rows = 1,        // blocks of version 2
};

[[nodiscard]] constexpr std::uint64_t bit_of(Feature feature) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(feature);
}
// Of all that this version knows, which is also what a store made by it has.
inline constexpr std::uint64_t kKnownFeatures =
    bit_of(Feature::names_without_hashes) | bit_of(Feature::frames_of_rows);

[[nodiscard]] std::string_view to_string(Feature feature) noexcept;
[[nodiscard]] std::string feature_key(unsigned bit);

// Puts the superblock into the batch, and the names of its features that this version knows.
void put_superblock_and_features(const Superblock& superblock, KvBatch& batch);

// unsupported_format that names each feature this version does not know.
[[nodiscard]] Result<void> check_features(KvBackend& backend, std::uint64_t features);

}  // namespace caveat
