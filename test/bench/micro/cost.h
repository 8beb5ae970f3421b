// What time alone does not say: heap allocations and CPU cycles an operation.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace caveat::bench {

// Core cycles of this thread in user space, if the machine tells.
class CycleCounter {
 public:
  CycleCounter();
  ~CycleCounter();
  CycleCounter(const CycleCounter&) = delete;
  CycleCounter& operator=(const CycleCounter&) = delete;
  [[nodiscard]] bool works() const noexcept { return file_ >= 0; }
  [[nodiscard]] std::uint64_t read() const noexcept;

 private:
  int file_ = -1;
};

// Made before the loop of a benchmark, finished after it.
class Cost {
 public:
  explicit Cost(benchmark::State& state);

  // Around what is not to be measured, inside the loop: preparing the next round.
  void pause();
  void resume();

  // `operations` (and `bytes` of data, if that makes sense) were done in each round. Reported:
  // items_per_second, bytes_per_second, and for each operation CPU time, allocations and cycles;
  // `unit` says what an operation is.
  void finish(double operations, double bytes, const std::string& unit);

 private:
  void start();
  void stop();

  benchmark::State& state_;
  CycleCounter cycles_;
  std::size_t allocations_ = 0, allocations_start_ = 0;
  std::uint64_t cycle_count_ = 0, cycles_start_ = 0;
};

}  // namespace caveat::bench
