#include "engine/cache/touch_sketch.h"

#include <bit>

namespace caveat::detail {

TouchSketch::TouchSketch(std::size_t window)
    : buckets_(window == 0 ? 0 : std::bit_ceil((window + kWays - 1) / kWays)),
      words_(std::make_unique<std::atomic<std::uint64_t>[]>(buckets_)) {}

bool TouchSketch::touch(std::uint64_t hash) noexcept {
  if (buckets_ == 0) return false;
  std::atomic<std::uint64_t>& word = words_[hash & (buckets_ - 1)];
  // From the other end of the hash than the bucket; 0 is an empty place.
  const std::uint64_t fingerprint = hash >> 48 == 0 ? 1 : hash >> 48;
  const std::uint64_t seen = word.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kWays; ++i) {
    if ((seen >> (16 * i) & 0xFFFF) == fingerprint) return true;
  }
  word.store(seen << 16 | fingerprint, std::memory_order_relaxed);
  return false;
}

}  // namespace caveat::detail
