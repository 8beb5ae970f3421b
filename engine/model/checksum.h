// The checksum of a format: XXH3-64 of all bytes but the checksum field itself.
#pragma once

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace caveat {

// Of `bytes` without the `width` bytes at `offset`.
[[nodiscard]] inline std::uint64_t checksum_around(std::string_view bytes, std::size_t offset,
                                                   std::size_t width) noexcept {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, bytes.data(), offset);
  XXH3_64bits_update(&state, bytes.data() + offset + width, bytes.size() - offset - width);
  return XXH3_64bits_digest(&state);
}

}  // namespace caveat
