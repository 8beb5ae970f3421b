// Watches the store for its operator: keeps Options::metrics_file up to date, and tells
// Options::log_sink of what nobody does anything wrong about, but somebody should know.
//
// A thread of its own: figures are wanted most when maintenance is stuck, and of a store that can
// only be read. docs/decisions/0090.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "caveat/statistics.h"
#include "engine/maintenance/metrics_file.h"
#include "engine/store/core.h"

namespace caveat {

class HealthThread {
 public:
  // `metrics` and `statistics` are called from the thread; neither may block for long.
  HealthThread(const Core& core, std::function<std::string()> metrics,
               std::function<StorageStatistics()> statistics);
  ~HealthThread() { stop(); }

  // Writes the file once, so that it is there when this returns, and starts the thread; nothing if
  // nobody wants to know. limit_exceeded: the system has no thread more, and there is no file.
  [[nodiscard]] Result<void> start();
  // Removes the file. Idempotent.
  void stop();

  // Sends what has changed since the last look: a view that is held for long, memory beyond the
  // budget, each when it begins and when it ends. Any thread.
  void look();

 private:
  static constexpr std::chrono::seconds kLookEvery{10};
  static constexpr std::chrono::minutes kOldView{5};

  void run();
  void write_file();

  const Core& core_;
  const std::function<std::string()> metrics_;
  const std::function<StorageStatistics()> statistics_;
  const MetricsFile file_;
  bool file_failed_ = false;

  std::mutex look_mutex_;
  bool old_view_ = false;
  bool over_budget_ = false;

  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace caveat
