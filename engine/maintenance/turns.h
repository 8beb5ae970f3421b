// Long work of which only one goes on at a time, for what one of them does in a step the other must
// not undo in its next.
//
// Who waits is asked now and then whether it still wants to.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace caveat {

class Turns {
 public:
  class Turn {
   public:
    Turn() = default;
    explicit Turn(Turns& of) : of_(&of) {}
    ~Turn() {
      if (of_ == nullptr) return;
      const std::lock_guard lock(of_->mutex_);
      of_->taken_ = false;
      of_->changed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    [[nodiscard]] explicit operator bool() const noexcept { return of_ != nullptr; }

   private:
    Turns* of_ = nullptr;
  };

  // No turn: it was another's, and `still_wanted` said no. That is called without a lock.
  template <class StillWanted>
  [[nodiscard]] Turn take(const StillWanted& still_wanted) {
    std::unique_lock lock(mutex_);
    while (taken_) {
      lock.unlock();
      if (!still_wanted()) return Turn();
      lock.lock();
      changed_.wait_for(lock, kPatience, [&] { return !taken_; });
    }
    taken_ = true;
    return Turn(*this);
  }

 private:
  static constexpr std::chrono::milliseconds kPatience{100};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false;
};

}  // namespace caveat
