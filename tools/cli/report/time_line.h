// A histogram of times whose buckets widen as they need to, so that one pass over records suffices
// and no bound must be known beforehand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace caveat::cli {

class TimeLine {
 public:
  void add(std::int64_t ns) noexcept;

  struct Bucket {
    std::int64_t begin_ns = 0;
    std::uint64_t count = 0;
  };
  // From the first bucket with anything in it to the last, all of one width; at most `most`.
  [[nodiscard]] std::vector<Bucket> buckets(std::size_t most) const;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t first_ns() const noexcept { return first_ns_; }  // 0 where empty
  [[nodiscard]] std::int64_t last_ns() const noexcept { return last_ns_; }

 private:
  static constexpr std::int64_t kBuckets = 1024;

  void widen() noexcept;
  [[nodiscard]] std::int64_t place_of(std::int64_t ns) const noexcept;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::int64_t width_ns_ = 1'000'000'000;
  std::int64_t base_ = 0;  // the first bucket's number: bucket k begins at k * width_ns_
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace caveat::cli
