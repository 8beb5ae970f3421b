// What the encoder of integer columns asks of values, each by one pass.
//
// The passes are loops that compilers turn into SSE2, so a column is in the narrowest type that has
// room for whatever is computed of it. SSE2 compares signed numbers alone, and 64-bit ones not at
// all: narrow values are compared as signed ones, which a spare bit makes right.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/block/bits.h"

namespace caveat::detail {

// True if T has room for a column's values, the steps between them in zigzag form, the steps above
// the least one, and counts of values; and for half of it to be enough for any of these.
template <class T>
[[nodiscard]] bool is_roomy(std::uint64_t bits_of_values, std::size_t count) noexcept {
  return (bits_of_values | count) >> (sizeof(T) * 8 - 2) == 0;
}

template <class T>
using Ordered = std::conditional_t<sizeof(T) == 8, T, std::make_signed_t<T>>;

template <class T>
[[nodiscard]] constexpr T zigzag_of(T step) noexcept {
  const auto sign = static_cast<std::make_signed_t<T>>(step) >> (sizeof(T) * 8 - 1);
  return static_cast<T>(static_cast<T>(step << 1) ^ static_cast<T>(sign));
}

template <class T>
struct IntColumn {
  std::span<const T> values;
  T low = 0;
  T high = 0;
  std::size_t runs = 1;  // of equal values
  bool rises = true;

  explicit IntColumn(std::span<const T> all) noexcept : values(all) {
    CAVEAT_ASSERT(!all.empty());
    auto least = static_cast<Ordered<T>>(all[0]);
    auto most = least;
    T changes = 0;
    T falls = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto value = static_cast<Ordered<T>>(all[i]);
      const auto before = static_cast<Ordered<T>>(all[i - 1]);
      least = std::min(least, value);
      most = std::max(most, value);
      changes = static_cast<T>(changes + (value != before ? 1 : 0));
      falls = static_cast<T>(falls + (value < before ? 1 : 0));
    }
    low = static_cast<T>(least);
    high = static_cast<T>(most);
    runs = std::size_t{changes} + 1;
    rises = falls == 0;
  }

  [[nodiscard]] std::size_t size() const noexcept { return values.size(); }
  [[nodiscard]] T range() const noexcept { return static_cast<T>(high - low); }
};

template <class T>
struct Extremes {
  T least = std::numeric_limits<T>::max();
  T most = std::numeric_limits<T>::min();
  void take(T value) noexcept {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

// Between neighbours.
template <class T>
[[nodiscard]] Extremes<std::make_signed_t<T>> steps_of(std::span<const T> values) noexcept {
  Extremes<std::make_signed_t<T>> steps;
  for (std::size_t i = 1; i < values.size(); ++i)
    steps.take(static_cast<std::make_signed_t<T>>(values[i] - values[i - 1]));
  return steps;
}

// The only value that more than half may have: Boyer and Moore's vote, of as many lanes as a
// register has. Who has more than half of all has more than half of some lane, and not less than
// all others together when the lanes' votes are counted.
template <class T>
[[nodiscard]] T voted(std::span<const T> values) noexcept {
  constexpr std::size_t kLanes = 16 / sizeof(T);
  using Lanes [[gnu::vector_size(16)]] = T;
  Lanes candidates{};
  Lanes votes{};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    Lanes value;
    std::memcpy(&value, &values[i], sizeof value);
    const auto open = std::bit_cast<Lanes>(votes == 0);
    candidates = (value & open) | (candidates & ~open);
    const auto same = std::bit_cast<Lanes>(value == candidates);  // all ones, which is -1
    votes = votes - 1 - same - same;
  }
  T candidate = 0;
  T standing = 0;
  const auto count = [&](T value, T weight) {
    if (value == candidate) {
      standing = static_cast<T>(standing + weight);
    } else if (weight > standing) {
      candidate = value;
      standing = static_cast<T>(weight - standing);
    } else {
      standing = static_cast<T>(standing - weight);
    }
  };
  for (std::size_t lane = 0; lane < kLanes; ++lane) count(candidates[lane], votes[lane]);
  for (; i < values.size(); ++i) count(values[i], 1);
  return candidate;
}

template <class T>
[[nodiscard]] std::size_t count_others(std::span<const T> values, T common) noexcept {
  T others = 0;
  for (const T value : values) others = static_cast<T>(others + (value != common ? 1 : 0));
  return others;
}

// Where a value lies in an ascending list that holds it. Without branches: each step of a search
// is one that nothing foretells, and searches for several values go on beside each other.
template <class T>
[[nodiscard]] std::size_t place_of(std::span<const T> ascending, T value) noexcept {
  const T* base = ascending.data();
  for (std::size_t left = ascending.size(); left > 1;) {
    const std::size_t half = left / 2;
    base = base[half] <= value ? base + half : base;
    left -= half;
  }
  return static_cast<std::size_t>(base - ascending.data());
}

// Marked places of a column, a bit each: what is to be done at few of them is done without a look
// at the others, and without branches that nothing foretells.
class Marks {
 public:
  // Where `is_marked(i)` is true, from `first` on.
  template <class Predicate>
  void set(std::size_t first, std::size_t count, const Predicate& is_marked) {
    bytes_.resize((count + 63) & ~std::size_t{63});
    std::uint8_t* const bytes = bytes_.data();
    std::fill(bytes, bytes + first, 0);
    for (std::size_t i = first; i < count; ++i) bytes[i] = is_marked(i) ? 1 : 0;
    std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(count), bytes_.end(), 0);
  }
  // In ascending order.
  template <class Visit>
  void each(const Visit& visit) const {
    for (std::size_t first = 0; first < bytes_.size(); first += 64) {
      std::uint64_t word = 0;
      for (std::size_t i = 0; i < 64; i += 8) {
        // Brings the lowest bit of each of eight bytes together in the highest byte.
        const auto eight =
            get_fixed<std::uint64_t>(reinterpret_cast<const char*>(&bytes_[first + i]));
        word |= ((eight * 0x0102040810204080) >> 56) << i;
      }
      for (; word != 0; word &= word - 1)
        visit(first + static_cast<std::size_t>(std::countr_zero(word)));
    }
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.capacity(); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace caveat::detail
