// A stable sort by an unsigned key, in passes of one digit each.
//
// The lists of a partition or a container are short and their keys close together: two or three
// passes do what a comparison sort needs eight or more mispredicted levels for.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace caveat::posting {

// `key(value)` is a u64. `scratch` is reused between calls.
template <class T, class Key>
void radix_sort(std::span<T> values, std::vector<T>& scratch, Key key) {
  constexpr unsigned kDigit = 8;
  constexpr std::uint64_t kMask = (1U << kDigit) - 1;
  if (values.size() < 2) return;
  bool sorted = true;
  auto low = key(values.front());
  auto high = low;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto at = key(values[i]);
    sorted = sorted && key(values[i - 1]) <= at;
    low = std::min(low, at);
    high = std::max(high, at);
  }
  if (sorted) return;
  const auto bits = static_cast<unsigned>(std::bit_width(high - low));
  if (values.size() < 32 || bits > 5 * kDigit) {
    std::stable_sort(values.begin(), values.end(),
                     [&key](const T& a, const T& b) { return key(a) < key(b); });
    return;
  }
  scratch.resize(values.size());
  auto* from = values.data();
  auto* to = scratch.data();
  for (unsigned shift = 0; shift < bits; shift += kDigit) {
    std::array<std::uint32_t, kMask + 2> starts{};
    const auto digit = [&](const T& value) { return ((key(value) - low) >> shift) & kMask; };
    for (std::size_t i = 0; i < values.size(); ++i) ++starts[digit(from[i]) + 1];
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (std::size_t i = 0; i < values.size(); ++i) to[starts[digit(from[i])]++] = from[i];
    std::swap(from, to);
  }
  if (from != values.data()) std::copy_n(from, values.size(), values.data());
}

}  // namespace caveat::posting
