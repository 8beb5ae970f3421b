#include "test/bench/micro/cost.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test/support/counting_heap.h"

namespace caveat::bench {

CycleCounter::CycleCounter() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  // Virtual machines and locked-down kernels refuse; then there is no such column.
  file_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

CycleCounter::~CycleCounter() {
  if (file_ >= 0) close(file_);
}

std::uint64_t CycleCounter::read() const noexcept {
  std::uint64_t count = 0;
  if (file_ < 0 || ::read(file_, &count, sizeof count) != sizeof count) return 0;
  return count;
}

Cost::Cost(benchmark::State& state) : state_(state) {
  start();
}

void Cost::start() {
  allocations_start_ = heap_allocations.load(std::memory_order_relaxed);
  cycles_start_ = cycles_.read();
}

void Cost::stop() {
  cycle_count_ += cycles_.read() - cycles_start_;
  allocations_ += heap_allocations.load(std::memory_order_relaxed) - allocations_start_;
}

void Cost::pause() {
  state_.PauseTiming();
  stop();
}

void Cost::resume() {
  start();
  state_.ResumeTiming();
}

void Cost::finish(double operations, double bytes, const std::string& unit) {
  stop();
  const double all = operations * static_cast<double>(state_.iterations());
  state_.SetItemsProcessed(static_cast<std::int64_t>(all));
  if (bytes > 0) {
    const double all_bytes = bytes * static_cast<double>(state_.iterations());
    state_.SetBytesProcessed(static_cast<std::int64_t>(all_bytes));
  }
  using benchmark::Counter;
  state_.counters["cpu/" + unit] = Counter(all, Counter::kIsRate | Counter::kInvert);
  state_.counters["allocs/" + unit] = Counter(static_cast<double>(allocations_) / all);
  if (cycles_.works()) {
    state_.counters["cycles/" + unit] = Counter(static_cast<double>(cycle_count_) / all);
  }
}

}  // namespace caveat::bench
