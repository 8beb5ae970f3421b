#include "tools/cli/report/time_line.h"

#include <algorithm>

namespace caveat::cli {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

}  // namespace

std::int64_t TimeLine::place_of(std::int64_t ns) const noexcept {
  return floor_divide(ns, width_ns_);
}

// Two buckets become one. Their numbers are halved, so that all still begin at multiples.
void TimeLine::widen() noexcept {
  const std::int64_t base = floor_divide(base_, 2);
  std::array<std::uint64_t, kBuckets> wider{};
  for (std::int64_t i = 0; i < kBuckets; ++i) {
    const auto to = static_cast<std::size_t>(floor_divide(base_ + i, 2) - base);
    wider[to] += counts_[static_cast<std::size_t>(i)];
  }
  counts_ = wider;
  base_ = base;
  width_ns_ *= 2;
}

void TimeLine::add(std::int64_t ns) noexcept {
  if (count_ == 0) {
    first_ns_ = last_ns_ = ns;
    base_ = place_of(ns);
  }
  first_ns_ = std::min(first_ns_, ns);
  last_ns_ = std::max(last_ns_, ns);
  ++count_;
  // Wide enough for all so far; what is already counted then moves to the front.
  while (place_of(last_ns_) - place_of(first_ns_) >= kBuckets - 1) widen();
  const std::int64_t front = place_of(first_ns_);
  if (front < base_ || place_of(last_ns_) >= base_ + kBuckets) {
    const std::int64_t shift = base_ - front;
    std::array<std::uint64_t, kBuckets> moved{};
    for (std::int64_t i = 0; i < kBuckets; ++i) {
      const auto count = counts_[static_cast<std::size_t>(i)];
      if (count != 0) moved[static_cast<std::size_t>(i + shift)] = count;
    }
    counts_ = moved;
    base_ = front;
  }
  ++counts_[static_cast<std::size_t>(place_of(ns) - base_)];
}

std::vector<TimeLine::Bucket> TimeLine::buckets(std::size_t most) const {
  if (count_ == 0 || most == 0) return {};
  const std::int64_t front = place_of(first_ns_);
  const std::int64_t span = place_of(last_ns_) - front + 1;
  const std::int64_t group = (span - 1) / static_cast<std::int64_t>(most) + 1;
  std::vector<Bucket> buckets;
  for (std::int64_t i = 0; i < span; ++i) {
    if (i % group == 0) buckets.push_back({(front + i) * width_ns_, 0});
    buckets.back().count += counts_[static_cast<std::size_t>(front - base_ + i)];
  }
  return buckets;
}

}  // namespace caveat::cli
