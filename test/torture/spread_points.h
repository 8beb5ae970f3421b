// At which operations of a workload or a call a campaign lets something go wrong: spread over all
// of them, as many as are wanted or as the time allows, and never none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>

namespace caveat::test {

class SpreadPoints {
 public:
  // `points`: so many; 0: every operation. With `seconds` a guess: how far apart the next ones are
  // follows from what those before have cost, so that a slow machine sees fewer points and not the
  // beginning alone. The time begins here: what the workload took is no part of it.
  SpreadPoints(std::uint64_t operations, std::uint64_t points, double seconds, std::uint64_t seed,
               std::function<double()> passed = stopwatch())
      : operations_(operations), seconds_(seconds), passed_(std::move(passed)) {
    if (points != 0) {
      stride_ = std::max(1.0, static_cast<double>(operations) / static_cast<double>(points));
    }
    next_ = static_cast<double>(std::mt19937_64(seed)() % static_cast<std::uint64_t>(stride_));
  }

  // Asked for each operation in order, from 0 on.
  [[nodiscard]] bool is_one(std::uint64_t operation) {
    if (static_cast<double>(operation) < next_ || out_of_time_) return false;
    if (seconds_ > 0 && taken_ > 0) {
      const double passed = passed_();
      out_of_time_ = passed >= seconds_;
      if (out_of_time_) return false;
      const double fit = std::max(1.0, (seconds_ - passed) * static_cast<double>(taken_) / passed);
      stride_ = std::max(1.0, static_cast<double>(operations_ - operation) / fit);
      next_ = static_cast<double>(operation);
    }
    ++taken_;
    next_ += stride_;
    return true;
  }

  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

 private:
  static std::function<double()> stopwatch() {
    return [begun = std::chrono::steady_clock::now()] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    };
  }

  const std::uint64_t operations_;
  const double seconds_;
  const std::function<double()> passed_;
  double stride_ = 1;
  double next_ = 0;
  std::uint64_t taken_ = 0;
  bool out_of_time_ = false;
};

}  // namespace caveat::test
