#include "engine/maintenance/maintenance_thread.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "engine/maintenance/start_thread.h"

namespace caveat {

namespace {
using std::chrono::milliseconds;
constexpr milliseconds kAfterError{500};
constexpr milliseconds kRestMax{50};
constexpr milliseconds kQuiet{1000};
}  // namespace

MaintenanceThread::MaintenanceThread(Core& core, Mutator& mutator, std::function<void()> seal)
    : core_(core),
      mutator_(mutator),
      seal_(std::move(seal)),
      idle_fold_(core.backend->persistent(), {}) {}

Result<void> MaintenanceThread::start() {
  return start_thread(thread_, "maintenance", [this] { run(); });
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

void MaintenanceThread::set_idle_fold_times(const IdleFoldTimes& times) {
  {
    const std::lock_guard lock(mutex_);
    idle_fold_.set_times(times);
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
  if (mutator_.sort_sealed()) return true;
  urgent = false;
  CAVEAT_ASSIGN(done, mutator_.rewrite_queued());
  if (done) return true;
  CAVEAT_ASSIGN(done, mutator_.apply_clears());
  if (done) return true;
  CAVEAT_ASSIGN(done, mutator_.rewrite_index_container());
  if (done) return true;
  return mutator_.build_filters();
}

std::optional<MaintenanceThread::Clock::time_point> MaintenanceThread::idle_fold_due() {
  // Pinned, not counted: letting go of the last count frees versions and asks the backend for its
  // locks, and whoever has those may be about to wake this thread, which takes ours.
  const auto version = core_.versions.pin();
  if (!version) return std::nullopt;
  return idle_fold_.due(*version->generations.front(), Clock::now());
}

void MaintenanceThread::idle(std::unique_lock<std::mutex>& lock) {
  const auto disturbed = [&] { return stopping_ || work_; };
  auto until = idle_fold_due();
  const bool look = work_since_look_ && (!until || *until > Clock::now() + kQuiet);
  if (look) until = Clock::now() + kQuiet;
  if (!until) {
    wake_up_.wait(lock, disturbed);
    return;
  }
  if (wake_up_.wait_until(lock, *until, disturbed)) return;
  if (look) {
    work_since_look_ = false;
    quiet_ = true;
    lock.unlock();
    try {
      mutator_.queue_overdue();
    } catch (const std::bad_alloc&) {  // it will be quiet again
    }
    lock.lock();
    return;
  }
  // Somebody may have written meanwhile.
  const auto due = idle_fold_due();
  if (!due || *due > Clock::now()) return;
  idle_fold_.folded(Clock::now());
  quiet_ = true;
  lock.unlock();
  try {
    seal_();
  } catch (const std::bad_alloc&) {
    // Nobody waits for it: tried again later.
  }
  lock.lock();
}

void MaintenanceThread::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (std::exchange(work_, false)) work_since_look_ = true;
    lock.unlock();
    bool urgent = false;
    const auto begun = std::chrono::steady_clock::now();
    std::optional<bool> done;  // nothing: an error
    try {
      const auto result = step(std::exchange(quiet_, false), urgent);
      if (result) {
        done = *result;
      } else if (!urgent && is_damage(result.error().code())) {
        // Only space and time are lost: no write has to fail for it.
        core_.background_errors.notify(result.error(), core_.counters);
      } else {
        core_.background_errors.report(result.error(), core_.counters);
      }
    } catch (const std::bad_alloc&) {
      core_.background_errors.report_out_of_memory(core_.counters);
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    lock.lock();
    if (stopping_) break;
    if (!done) {
      wake_up_.wait_for(lock, kAfterError, [&] { return stopping_; });
    } else if (*done && !urgent) {
      const auto rest = std::min<std::chrono::nanoseconds>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(took * (1 / kDutyShare - 1)),
          kRestMax);
      wake_up_.wait_for(lock, rest, [&] { return stopping_; });
    } else if (!*done) {
      idle(lock);
    }
    if (done.value_or(false)) work_since_look_ = true;
  }
}

}  // namespace caveat
