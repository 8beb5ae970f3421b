#include "engine/maintenance/health_thread.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/maintenance/start_thread.h"

namespace caveat {

namespace {
constexpr std::chrono::hours kWriteAtLeastEvery{24 * 365};
}  // namespace

HealthThread::HealthThread(const Core& core, std::function<std::string()> metrics,
                           std::function<StorageStatistics()> statistics)
    : core_(core),
      metrics_(std::move(metrics)),
      statistics_(std::move(statistics)),
      file_(core.options.metrics_file) {}

Result<void> HealthThread::start() {
  const bool writes = !core_.options.metrics_file.empty();
  if (!writes && core_.options.log_sink == nullptr) return {};
  if (writes) write_file();
  auto started = start_thread(thread_, "metrics_file and log_sink", [this] { run(); });
  if (!started && writes) file_.remove();
  return started;
}

void HealthThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_up_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  if (!core_.options.metrics_file.empty()) file_.remove();
}

void HealthThread::write_file() {
  const auto written = file_.write(metrics_());
  if (!written && !file_failed_) {
    core_.log.send(Severity::warning, "health", "metrics_file_failed", written.error());
  }
  file_failed_ = !written;
}

void HealthThread::look() {
  const std::lock_guard lock(look_mutex_);
  const StorageStatistics s = statistics_();
  const bool old_view = s.oldest_view_age_ns > std::chrono::nanoseconds(kOldView).count();
  if (old_view != old_view_) {
    core_.log.send(old_view ? Severity::warning : Severity::info, "health",
                   old_view ? "old_view" : "old_view_gone",
                   old_view ? "a snapshot or cursor is held for long; what it may see is kept on "
                              "disk and in memory until it goes"
                            : "no snapshot or cursor is held for long any more",
                   {{"open_views", s.open_views},
                    {"age_seconds", seconds_of_ns(s.oldest_view_age_ns)},
                    {"pinned_versions", s.pinned_versions},
                    {"pinned_memory_bytes", s.pinned_memory_bytes},
                    {"pinned_stored_bytes", s.pinned_stored_bytes}});
    old_view_ = old_view;
  }
  // Memory that is back below a bit less than the budget ends it: else it might flicker.
  const std::uint64_t bound =
      over_budget_ ? s.memory_budget_bytes / 20 * 19 : s.memory_budget_bytes;
  const bool over_budget = s.memory_bytes > bound;
  if (over_budget != over_budget_) {
    core_.log.send(over_budget ? Severity::warning : Severity::info, "health",
                   over_budget ? "over_budget" : "within_budget",
                   over_budget ? "more memory is in use than memory_budget_bytes; options.h says "
                                 "what may go beyond it"
                               : "memory is within the budget again",
                   {{"memory_bytes", s.memory_bytes}, {"budget_bytes", s.memory_budget_bytes}});
    over_budget_ = over_budget;
  }
}

void HealthThread::run() {
  using SteadyClock = std::chrono::steady_clock;
  const bool writes = !core_.options.metrics_file.empty();
  const bool looks = core_.options.log_sink != nullptr;
  // Longer ones may lead beyond all times that the clock has.
  const std::chrono::milliseconds interval =
      std::min<std::chrono::milliseconds>(core_.options.metrics_interval, kWriteAtLeastEvery);
  auto next_write = SteadyClock::now() + interval;
  auto next_look = SteadyClock::now() + kLookEvery;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto next = !writes ? next_look : !looks ? next_write : std::min(next_write, next_look);
    if (wake_up_.wait_until(lock, next, [&] { return stopping_; })) return;
    lock.unlock();
    try {
      const auto now = SteadyClock::now();
      if (writes && now >= next_write) {
        next_write = now + interval;
        write_file();
      }
      if (looks && now >= next_look) {
        next_look = now + kLookEvery;
        look();
      }
    } catch (const std::bad_alloc&) {
      // Another time.
    }
    lock.lock();
  }
}

}  // namespace caveat
