// The thread that folds and tidies up while the host does other things.
//
// It sleeps until there is work, does one bounded step at a time, most urgent first, and rests
// between steps that can wait, so that it takes at most kDutyShare of a core from the host. Once it
// is quiet it looks around for what nobody pointed out, and folds what waits in the delta.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/maintenance/idle_fold.h"
#include "engine/maintenance/mutator.h"

namespace caveat {

class MaintenanceThread {
 public:
  // `seal` seals what is in the delta; called without a lock.
  MaintenanceThread(Core& core, Mutator& mutator, std::function<void()> seal);
  ~MaintenanceThread() { stop(); }

  // limit_exceeded: the system has no thread more.
  [[nodiscard]] Result<void> start();
  // Ends after the step under way. Idempotent.
  void stop();
  // There is work. Any thread; never blocks for long.
  void wake() noexcept;
  // For tests.
  void set_idle_fold_times(const IdleFoldTimes& times);

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double kDutyShare = 0.8;

  void run();
  // Waits until there is work, or does what is done only when there is none.
  void idle(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::optional<Clock::time_point> idle_fold_due();
  // The most urgent step there is. False: none. `quiet`: what waits for more to come need not.
  [[nodiscard]] Result<bool> step(bool quiet, bool& urgent);

  Core& core_;
  Mutator& mutator_;
  const std::function<void()> seal_;
  std::mutex mutex_;
  std::condition_variable wake_up_;
  IdleFold idle_fold_;
  bool work_ = false;
  bool stopping_ = false;
  bool quiet_ = true;  // nothing new has come for a while: do not wait for more; so it is at open
  bool work_since_look_ = true;  // an earlier process may have left some, too
  std::thread thread_;
};

}  // namespace caveat
