// Working memory of the integer encoder: part of EncodeScratch, grown once and used again.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "engine/block/int_column.h"
#include "engine/block/int_passes.h"

namespace caveat::detail {

// Tells distinct values apart without sorting all of them.
class SmallSet {
 public:
  // Appends the distinct values to `out`; false if there are more than `most`.
  template <class T>
  bool collect(std::span<const T> values, std::size_t most, std::vector<T>& out) {
    const auto bits = static_cast<unsigned>(std::bit_width(most)) + 2;  // a quarter to an eighth
    slots_.assign(std::size_t{1} << bits, 0);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T value = values[i];
      if (i != 0 && value == values[i - 1]) continue;
      std::size_t at = (std::uint64_t{value} * 0x9E3779B97F4A7C15ULL) >> (64 - bits);
      while (slots_[at] != 0 && out[slots_[at] - 1] != value) at = (at + 1) & mask;
      if (slots_[at] != 0) continue;
      if (out.size() == most) return false;
      out.push_back(value);
      slots_[at] = static_cast<std::uint16_t>(out.size());
    }
    return true;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return slots_.capacity() * 2; }

 private:
  std::vector<std::uint16_t> slots_;  // one more than the index in `out`
};

// Of columns whose numbers are Ts.
template <class T>
struct IntBuffers {
  // Columns nest, so each depth has buffers of its own.
  struct Level {
    std::vector<T> a, b, distinct, index;
  };
  std::vector<T> values;
  std::array<Level, kMaxColumnDepth> levels;
  std::vector<T> ranks;  // of values in their dictionary

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t count = values.capacity() + ranks.capacity();
    for (const Level& level : levels)
      count += level.a.capacity() + level.b.capacity() + level.distinct.capacity() +
               level.index.capacity();
    return count * sizeof(T);
  }
};

struct IntScratch {
  std::tuple<IntBuffers<std::uint16_t>, IntBuffers<std::uint32_t>, IntBuffers<std::uint64_t>> all;
  SmallSet set;
  Marks marks;

  template <class T>
  [[nodiscard]] IntBuffers<T>& buffers() noexcept {
    return std::get<IntBuffers<T>>(all);
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return std::apply([](const auto&... each) { return (each.bytes() + ...); }, all) + set.bytes() +
           marks.bytes();
  }
};

}  // namespace caveat::detail
