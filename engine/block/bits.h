// Bytes and bits: varints, a bounds-checked reader, and fixed-width bit packing (LSB first).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "pool/invariant.h"

namespace caveat::detail {

__extension__ typedef unsigned __int128 Wide;  // ISO C++ has no name for it

template <class T>
void put_fixed(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little, "fixed fields are little-endian");
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
[[nodiscard]] T get_fixed(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// std::popcount is a call on the x86-64 of 2003.
[[nodiscard]] constexpr unsigned ones_of(std::uint64_t x) noexcept {
  x -= (x >> 1) & 0x5555555555555555;
  x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F;
  return static_cast<unsigned>((x * 0x0101010101010101) >> 56);
}

// Bits that `value` needs; 0 for 0.
[[nodiscard]] constexpr unsigned width_of(std::uint64_t value) noexcept {
  return static_cast<unsigned>(std::bit_width(value));
}
[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t count, unsigned width) noexcept {
  return (count * width + 7) / 8;
}

// Reads untrusted bytes front to back. After a read past the end `ok()` is false for good and
// every further read gives 0, so that callers check once after a group of reads.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

  [[nodiscard]] std::uint8_t byte() noexcept {
    if (at_ == end_) {
      fail();
      return 0;
    }
    return static_cast<std::uint8_t>(*at_++);
  }

  // Refuses overlong forms, so that one value has one encoding.
  [[nodiscard]] std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t b = byte();
      if (shift == 63 && b > 1) break;
      value |= (b & 0x7F) << shift;
      if (b < 0x80) {
        if (b == 0 && shift != 0) break;
        return value;
      }
    }
    fail();
    return 0;
  }

  [[nodiscard]] std::string_view take(std::uint64_t size) noexcept {
    if (size > left()) {
      fail();
      return {};
    }
    const std::string_view taken(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// Appends (value - base) of each value, `width` bits apiece, padded with zero bits to a byte.
template <class T>
void pack_bits(std::span<const T> values, T base, unsigned width, std::string& out) {
  CAVEAT_ASSERT(width <= 64);
  const std::size_t begin = out.size();
  out.resize(begin + packed_bytes(values.size(), width));
  char* at = out.data() + begin;
  std::uint64_t pending = 0;
  unsigned held = 0;
  for (const T value : values) {
    const std::uint64_t bits = static_cast<T>(value - base);
    CAVEAT_ASSERT(width_of(bits) <= width);
    pending |= bits << held;
    held += width;
    if (held < 64) continue;
    std::memcpy(at, &pending, sizeof pending);
    at += sizeof pending;
    held -= 64;
    pending = held == 0 ? 0 : bits >> (width - held);
  }
  std::memcpy(at, &pending, (held + 7) / 8);
}

// True if the bits that pad `packed` to a byte are zero, as pack_bits leaves them.
[[nodiscard]] inline bool padding_is_zero(std::string_view packed, std::size_t count,
                                          unsigned width) noexcept {
  const std::size_t used = (count * width) & 7;
  return used == 0 || packed.empty() || (static_cast<std::uint8_t>(packed.back()) >> used) == 0;
}

}  // namespace caveat::detail
