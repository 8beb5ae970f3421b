// The thread that folds and tidies up while the host does other things.
//
// It sleeps until there is work, does one bounded step at a time, most urgent first, and rests
// between steps that can wait, so that it takes at most kDutyShare of a core from the host.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/maintenance/mutator.h"

namespace caveat {

class MaintenanceThread {
 public:
  explicit MaintenanceThread(Core& core, Mutator& mutator) : core_(core), mutator_(mutator) {}
  ~MaintenanceThread() { stop(); }

  void start();
  // Ends after the step under way. Idempotent.
  void stop();
  // There is work. Any thread; never blocks for long.
  void wake() noexcept;

 private:
  static constexpr double kDutyShare = 0.8;

  void run();
  // The most urgent step there is. False: none. `quiet`: what waits for more to come need not.
  [[nodiscard]] Result<bool> step(bool quiet, bool& urgent);

  Core& core_;
  Mutator& mutator_;
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool work_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace caveat
