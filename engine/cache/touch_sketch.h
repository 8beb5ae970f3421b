// Remembers how often keys were asked for lately, in two bytes each: what is asked for once only,
// as by a scan, need not displace what is asked for again and again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace caveat::detail {

// Buckets of four keys, each a fingerprint of 12 bits and a count of 4, each bucket a queue in one
// word. Thread-safe without a lock; a lost race loses one touch. About one unseen key in 1,000
// passes for a seen one.
class TouchSketch {
 public:
  // Remembers about the last `window` different keys; 0 remembers none. Throws std::bad_alloc.
  explicit TouchSketch(std::size_t window);

  // How often the key was touched lately, this time included; at most kTouchesMax.
  unsigned touch(std::uint64_t hash) noexcept;
  static constexpr unsigned kTouchesMax = 16;  // the count says one less
  [[nodiscard]] std::size_t bytes() const noexcept { return buckets_ * sizeof(std::uint64_t); }

 private:
  static constexpr std::size_t kWays = 4;
  std::size_t buckets_;  // a power of two, or 0
  std::unique_ptr<std::atomic<std::uint64_t>[]> words_;
};

}  // namespace caveat::detail
