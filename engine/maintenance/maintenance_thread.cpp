#include "engine/maintenance/maintenance_thread.h"

#include <chrono>
#include <utility>

namespace caveat {

namespace {
using std::chrono::milliseconds;
constexpr milliseconds kAfterError{500};
constexpr milliseconds kRestMax{50};
constexpr milliseconds kQuiet{1000};
}  // namespace

void MaintenanceThread::start() {
  thread_ = std::thread([this] { run(); });
}

void MaintenanceThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MaintenanceThread::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    work_ = true;
  }
  wake_up_.notify_one();
}

Result<bool> MaintenanceThread::step(bool quiet, bool& urgent) {
  urgent = true;
  CAVEAT_ASSIGN(bool done, mutator_.settle_indexes());
  if (done) return true;
  if (quiet || mutator_.fold_due()) {
    CAVEAT_ASSIGN(done, mutator_.fold_next());
    if (done) return true;
  }
  urgent = false;
  CAVEAT_ASSIGN(done, mutator_.rewrite_queued());
  if (done) return true;
  CAVEAT_ASSIGN(done, mutator_.apply_clears());
  if (done) return true;
  CAVEAT_ASSIGN(done, mutator_.rewrite_index_container());
  if (done) return true;
  return mutator_.build_filters();
}

void MaintenanceThread::run() {
  std::unique_lock lock(mutex_);
  bool work_since_look = true;  // an earlier process may have left some, too
  bool quiet = true;            // and so may generations in the log
  while (!stopping_) {
    if (std::exchange(work_, false)) work_since_look = true;
    lock.unlock();
    bool urgent = false;
    const auto begun = std::chrono::steady_clock::now();
    Result<bool> done = false;
    try {
      done = step(std::exchange(quiet, false), urgent);
    } catch (const std::bad_alloc&) {
      done = fail(ErrorCode::limit_exceeded, "maintenance: out of memory");
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    if (!done) core_.background_errors.report(done.error(), core_.counters);
    lock.lock();
    if (stopping_) break;
    if (!done) {
      wake_up_.wait_for(lock, kAfterError, [&] { return stopping_; });
    } else if (*done && !urgent) {
      const auto rest = std::min<std::chrono::nanoseconds>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(took * (1 / kDutyShare - 1)),
          kRestMax);
      wake_up_.wait_for(lock, rest, [&] { return stopping_; });
    } else if (!*done && work_since_look) {
      // Once it is quiet: what did the backend not point out?
      if (wake_up_.wait_for(lock, kQuiet, [&] { return stopping_ || work_; })) continue;
      lock.unlock();
      work_since_look = false;
      quiet = true;  // what waits for company to be folded with has waited long enough
      mutator_.queue_overdue();
      lock.lock();
    } else if (!*done) {
      wake_up_.wait(lock, [&] { return stopping_ || work_; });
    }
    if (done && *done) work_since_look = true;
  }
}

}  // namespace caveat
