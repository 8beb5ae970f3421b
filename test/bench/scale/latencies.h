// Times of very many calls, in a few KiB however many they are.
//
// A list of them is memory of the benchmark's own: ten minutes of upserts are 57 million, 217 MiB
// that were once taken for the store's (docs/decisions/0133).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace caveat::bench {

// Counts by size, in 64 steps to the doubling: a percentile is at most a sixty-fourth too large.
class Latencies {
 public:
  void add(double seconds) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max(0.0, seconds) * 1e9);
    ++counts_[std::min(bucket_of(ns), kBuckets - 1)];
    ++count_;
    slowest_ = std::max(slowest_, seconds);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double slowest() const noexcept { return slowest_; }
  // Seconds; 0 <= p < 1.
  [[nodiscard]] double percentile(double p) const noexcept {
    const auto rank = static_cast<std::uint64_t>(p * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen > rank) return std::min(slowest_, static_cast<double>(end_of(i)) / 1e9);
    }
    return slowest_;
  }

 private:
  static constexpr unsigned kStepBits = 6;
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
  static constexpr std::size_t kBuckets = 40 * kSteps;  // up to some hours

  // Those below kSteps by themselves, then by the highest bits.
  static constexpr std::size_t bucket_of(std::uint64_t ns) noexcept {
    if (ns < kSteps) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kStepBits;
    return (shift + 1) * kSteps + ((ns >> shift) - kSteps);
  }
  static constexpr std::uint64_t end_of(std::size_t bucket) noexcept {
    if (bucket < kSteps) return bucket + 1;
    const auto shift = static_cast<unsigned>(bucket / kSteps) - 1;
    return (kSteps + bucket % kSteps + 1) << shift;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  double slowest_ = 0;
};

}  // namespace caveat::bench
