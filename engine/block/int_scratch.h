// Working memory of the integer encoder: part of EncodeScratch, grown once and used again.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace caveat::detail {

// Tells distinct values apart without sorting all of them.
class SmallSet {
 public:
  // Appends the distinct values to `out`; false if there are more than `most`.
  bool collect(std::span<const std::uint64_t> values, std::size_t most,
               std::vector<std::uint64_t>& out) {
    const auto bits = static_cast<unsigned>(std::bit_width(most)) + 2;  // a quarter to an eighth
    slots_.assign(std::size_t{1} << bits, 0);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t value = values[i];
      if (i != 0 && value == values[i - 1]) continue;
      std::size_t at = (value * 0x9E3779B97F4A7C15ULL) >> (64 - bits);
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

struct IntScratch {
  // Columns nest, so each depth has buffers of its own.
  struct Level {
    std::vector<std::uint64_t> a, b, distinct, index;
  };
  std::array<Level, 5> levels;
  std::vector<std::uint64_t> last;  // value of each group
  std::vector<std::uint8_t> seen;   // of each group
  SmallSet set;

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = set.bytes() + last.capacity() * 8 + seen.capacity();
    for (const Level& level : levels)
      sum += (level.a.capacity() + level.b.capacity() + level.distinct.capacity() +
              level.index.capacity()) *
             8;
    return sum;
  }
};

}  // namespace caveat::detail
