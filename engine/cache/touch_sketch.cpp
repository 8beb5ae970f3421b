#include "engine/cache/touch_sketch.h"

#include <bit>

namespace caveat::detail {

TouchSketch::TouchSketch(std::size_t window)
    : buckets_(window == 0 ? 0 : std::bit_ceil((window + kWays - 1) / kWays)),
      words_(std::make_unique<std::atomic<std::uint64_t>[]>(buckets_)) {}

unsigned TouchSketch::touch(std::uint64_t hash) noexcept {
  if (buckets_ == 0) return 1;
  std::atomic<std::uint64_t>& word = words_[hash & (buckets_ - 1)];
  constexpr std::uint64_t kCountMask = kTouchesMax - 1;
  // From the other end of the hash than the bucket; 0 is an empty place.
  const std::uint64_t high = hash >> 52;
  const std::uint64_t fingerprint = (high == 0 ? 1 : high) << 4;
  const std::uint64_t seen = word.load(std::memory_order_relaxed);
  for (unsigned i = 0; i < kWays; ++i) {
    const std::uint64_t place = seen >> (16 * i) & 0xFFFF;
    if ((place & ~kCountMask) != fingerprint) continue;
    const auto before = static_cast<unsigned>(place & kCountMask) + 1;
    if (before == kTouchesMax) return before;
    word.store(seen + (std::uint64_t{1} << (16 * i)), std::memory_order_relaxed);
    return before + 1;
  }
  word.store(seen << 16 | fingerprint, std::memory_order_relaxed);
  return 1;
}

}  // namespace caveat::detail
