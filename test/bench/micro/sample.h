// Records with the shape of real data, as blocks hold them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "caveat/compressed_block.h"
#include "test/bench/contract/record.h"

namespace caveat::bench {

inline constexpr std::size_t kBlockRows = 256;  // Options::partition_records

// From the NDJSON file that CAVEAT_BENCH_DATA names, else generated with a fixed seed. At most
// 20,000 records, ascending by (node, property id). Made at first use.
std::span<const BlockRow> sample_rows();

inline std::size_t sample_blocks() {
  return std::max<std::size_t>(1, sample_rows().size() / kBlockRows);
}
inline std::span<const BlockRow> sample_block(std::size_t i) {
  const auto rows = sample_rows();
  return rows.subspan(i * kBlockRows, std::min(kBlockRows, rows.size() - i * kBlockRows));
}

// The same as the comparison hands them to its peers, in the order they were made.
std::span<const peers::Record> sample_records();

// Bytes of the plain row encoding of some rows.
std::size_t plain_bytes(std::span<const BlockRow> rows);

// Numbers below a bound, to visit things in an order that no prefetcher guesses.
inline std::vector<std::uint32_t> random_numbers(std::size_t count, std::size_t bound) {
  std::mt19937_64 random(7);
  std::vector<std::uint32_t> numbers(count);
  for (auto& number : numbers) number = static_cast<std::uint32_t>(random() % bound);
  return numbers;
}

}  // namespace caveat::bench
