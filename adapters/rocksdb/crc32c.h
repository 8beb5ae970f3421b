// CRC-32C, the checksum of RocksDB's logs.
#pragma once

#include <cstdint>
#include <string_view>

namespace caveat::detail {

// Of `bytes`, going on from the checksum of what is before them.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::string_view bytes) noexcept;

}  // namespace caveat::detail
