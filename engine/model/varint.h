// Fixed and variable-length integers of the formats, little-endian.
//
// A varint is LEB128: seven bits a byte, low bits first, the high bit set on all but the last.
// Each number has one encoding only: a last byte of zero after another byte is refused.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pool/invariant.h"

namespace caveat {

static_assert(std::endian::native == std::endian::little,
              "fixed-width fields are copied as they are");

inline constexpr std::size_t kMaxVarintBytes = 10;

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

[[nodiscard]] constexpr std::size_t varint_bytes(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

inline void put_varint(std::uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// The same to memory that has room for it; behind it.
[[nodiscard]] inline char* write_varint(std::uint64_t value, char* to) noexcept {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

// Takes a varint off the front of `bytes`. False if it is cut short, too long or overlong.
[[nodiscard]] inline bool take_varint(std::string_view& bytes, std::uint64_t& value) noexcept {
  value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < kMaxVarintBytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == kMaxVarintBytes - 1 && byte > 1) return false;  // bits beyond the 64th
    value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return byte != 0 || i == 0;
    }
  }
  return false;
}

// The same for bytes that were checked before.
[[nodiscard]] inline std::uint64_t take_trusted_varint(const char*& p) noexcept {
  auto byte = static_cast<unsigned char>(*p++);
  std::uint64_t value = byte & 0x7F;
  for (unsigned shift = 7; byte >= 0x80; shift += 7) {
    CAVEAT_ASSERT(shift < 64);
    byte = static_cast<unsigned char>(*p++);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
  }
  return value;
}

// The host's byte order is the format's, so a fixed field is a copy of its bytes.
template <class T>
void put_fixed(T value, std::string& out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}
template <class T>
[[nodiscard]] T load_fixed(const char* p) noexcept {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

}  // namespace caveat
