// Holds threads of the engine at its sync points, and plants faults in it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <initializer_list>
#include <mutex>
#include <thread>

#include "engine/sync/sync_point.h"

namespace caveat::test {

using sync::Fault;
using sync::Point;

// The script of all stores while it lives; one at a time. It must outlive the threads it holds.
class Director final : public sync::Script {
 public:
  explicit Director(std::initializer_list<Fault> faults) {
    for (const Fault fault : faults) planted_[static_cast<std::size_t>(fault)] = true;
    sync::script.store(this, std::memory_order_release);
  }
  ~Director() { sync::script.store(nullptr, std::memory_order_release); }
  Director(const Director&) = delete;
  Director& operator=(const Director&) = delete;

  // The next thread that comes to the point stays there until it is let go.
  void hold_next_at(Point point) {
    const std::lock_guard lock(mutex_);
    state_[static_cast<std::size_t>(point)] = State::waiting;
  }
  // False if nobody came in time.
  [[nodiscard]] bool wait_for_it(Point point) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return at(point) == State::held; });
  }
  [[nodiscard]] bool holds_one_at(Point point) {
    const std::lock_guard lock(mutex_);
    return at(point) == State::held;
  }
  void let_go(Point point) {
    const std::lock_guard lock(mutex_);
    at(point) = State::open;
    changed_.notify_all();
  }

  void reached(Point point) override {
    std::unique_lock lock(mutex_);
    if (at(point) != State::waiting) return;
    at(point) = State::held;
    changed_.notify_all();
    changed_.wait_for(lock, 3 * kPatience, [&] { return at(point) == State::open; });
  }
  bool planted(Fault fault) const noexcept override {
    return planted_[static_cast<std::size_t>(fault)];
  }

 private:
  static constexpr std::size_t kPlaces = 64;
  static constexpr std::chrono::seconds kPatience{10};
  enum class State : std::uint8_t { open, waiting, held };
  [[nodiscard]] State& at(Point point) { return state_[static_cast<std::size_t>(point)]; }

  std::array<bool, kPlaces> planted_{};  // constant
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<State, kPlaces> state_{};
};

// A thread that does one thing. It has to end by itself.
class Actor {
 public:
  template <class Deed>
  explicit Actor(Deed deed)
      : thread_([this, deed] {
          deed();
          done_ = true;
        }) {}
  ~Actor() { join(); }
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // Gives it the time to be done, if nothing keeps it.
  void give_time() const {
    for (int i = 0; i < kSteps && !done_; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  [[nodiscard]] bool done() const { return done_; }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  static constexpr int kSteps = 30;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace caveat::test
