// Rows on their way into the log and a generation.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace caveat {

// Rows as WriteBatch::rows() holds them, each a u32 length and a row, and how many they are.
struct RowsPart {
  std::string_view rows;
  std::size_t count = 0;
};

// What is committed as a whole, in this order. A bulk load's chunk has several parts, which were
// encoded side by side; everything else has one.
using RowsParts = std::span<const RowsPart>;

[[nodiscard]] inline std::size_t bytes_of(RowsParts parts) noexcept {
  std::size_t bytes = 0;
  for (const RowsPart& part : parts) bytes += part.rows.size();
  return bytes;
}
[[nodiscard]] inline std::size_t count_of(RowsParts parts) noexcept {
  std::size_t count = 0;
  for (const RowsPart& part : parts) count += part.count;
  return count;
}

}  // namespace caveat
