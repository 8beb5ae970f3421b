// Unpacking fixed-width values fast: eight at a time with shifts known to the compiler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "engine/block/bits.h"

namespace caveat::detail {

// Eight values of W bits are W bytes: whatever W is, a group of eight begins at a byte. Needs 8
// readable bytes from each value on. Returns how many values were unpacked, a multiple of 8.
template <class T, unsigned W>
std::size_t unpack_groups(std::string_view packed, T base, std::span<T> values) noexcept {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << W) - 1;
  constexpr std::size_t kLastLoad = std::size_t{W} * 7 / 8 + 8;  // end of the last value's load
  const char* at = packed.data();
  const char* const end = at + packed.size();
  T* to = values.data();
  std::size_t groups = values.size() / 8;
  for (; groups > 0 && static_cast<std::size_t>(end - at) >= kLastLoad; --groups) {
    if constexpr (W <= 8) {
      const auto word = get_fixed<std::uint64_t>(at);
      for (unsigned i = 0; i < 8; ++i) to[i] = base + static_cast<T>((word >> (i * W)) & kMask);
    } else {
      for (unsigned i = 0; i < 8; ++i) {
        const auto word = get_fixed<std::uint64_t>(at + i * W / 8);
        to[i] = base + static_cast<T>((word >> (i * W % 8)) & kMask);
      }
    }
    at += W;
    to += 8;
  }
  return static_cast<std::size_t>(to - values.data());
}

// One value alone, wherever it lies; `width` is not 0.
template <class T>
[[nodiscard]] T unpack_one(std::string_view packed, T base, unsigned width,
                           std::size_t index) noexcept {
  const std::size_t bit = index * width;
  const std::size_t at = bit >> 3;
  const std::uint64_t mask = ~std::uint64_t{0} >> (64 - width);
  if (width <= 56 && at + 8 <= packed.size()) [[likely]]  // one unaligned load holds any value
    return base +
           static_cast<T>((get_fixed<std::uint64_t>(packed.data() + at) >> (bit & 7)) & mask);
  char window[16] = {};
  std::memcpy(window, packed.data() + at, std::min<std::size_t>(9, packed.size() - at));
  Wide word = get_fixed<std::uint64_t>(window + 8);
  word = (word << 64) | get_fixed<std::uint64_t>(window);
  return base + static_cast<T>(static_cast<std::uint64_t>(word >> (bit & 7)) & mask);
}

// The reverse of pack_bits. `packed` holds exactly packed_bytes(values.size(), width) bytes, and
// width is at most the bits of T.
template <class T>
void unpack_bits(std::string_view packed, T base, unsigned width, std::span<T> values) noexcept {
  CAVEAT_ASSERT(width <= sizeof(T) * 8 && packed.size() == packed_bytes(values.size(), width));
  constexpr unsigned kGroupWidthMax = 32;
  using Unpack = std::size_t (*)(std::string_view, T, std::span<T>) noexcept;
  static constexpr auto kUnpack = []<std::size_t... W>(std::index_sequence<W...>) {
    return std::array<Unpack, sizeof...(W)>{&unpack_groups<T, static_cast<unsigned>(W + 1)>...};
  }
  (std::make_index_sequence<kGroupWidthMax>());

  std::size_t i = 0;
  if (width == 0) {
    for (T& value : values) value = base;
    return;
  }
  if (width <= kGroupWidthMax) i = kUnpack[width - 1](packed, base, values);
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  std::size_t bit = i * width;
  if (width <= 56) {  // one unaligned load holds any value
    for (; i < values.size() && (bit >> 3) + 8 <= packed.size(); ++i, bit += width) {
      const auto word = get_fixed<std::uint64_t>(packed.data() + (bit >> 3));
      values[i] = base + static_cast<T>((word >> (bit & 7)) & mask);
    }
  }
  for (; i < values.size(); ++i) values[i] = unpack_one(packed, base, width, i);
}

}  // namespace caveat::detail
