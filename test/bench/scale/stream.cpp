#include "test/bench/scale/stream.h"

#include <algorithm>
#include <bit>

namespace caveat::bench {

namespace {

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return peers::Rng(a ^ b * 0x9e3779b97f4a7c15ULL).next();
}

// A permutation of [0, size): a Feistel network over the next power of four, walked until it
// lands inside. A shuffle that needs no memory.
std::uint64_t permuted(std::uint64_t i, std::uint64_t size, std::uint64_t seed) {
  const int half = std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2);
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mixed(seed + round, right) & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= size);
  return i;
}

}  // namespace

Stream::Stream(const peers::Dataset& data, std::uint64_t records, bool shuffled, std::uint64_t seed)
    : data_(data), size_(records), seed_(seed), shuffled_(shuffled) {
  for (const auto& record : data.recs) shift_ = std::max(shift_, record.node + 1);
  nodes_end_ = shift_ * ((records + data.recs.size() - 1) / data.recs.size());
}

std::uint64_t Stream::place(std::uint64_t i) const noexcept {
  if (shuffled_) return permuted(i, size_, seed_);
  const std::uint64_t copy = i / data_.recs.size();
  const std::uint64_t begin = copy * data_.recs.size();
  // The last copy may be a part of one.
  const std::uint64_t width = std::min<std::uint64_t>(data_.recs.size(), size_ - begin);
  return begin + permuted(i - begin, width, seed_ + copy);
}

peers::Record Stream::at(std::uint64_t i) const noexcept {
  const std::uint64_t at = place(i);
  const std::uint64_t copy = at / data_.recs.size();
  peers::Record record = data_.recs[at % data_.recs.size()];
  record.node += shift_ * copy;
  if (copy > 0) {
    constexpr std::uint64_t kTwoDaysUs = 172800000000ULL;
    record.created_ns += (static_cast<std::int64_t>(mixed(seed_ + 1, at) % kTwoDaysUs) -
                          static_cast<std::int64_t>(kTwoDaysUs / 2)) *
                         1000;
  }
  return record;
}

}  // namespace caveat::bench
