// The most memory that the process had at once, and what the store said it had itself then.
#pragma once

#include <caveat/caveat.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "test/bench/harness/machine.h"

namespace caveat::bench {

// A thread that looks every few milliseconds, from construction to destruction. Figures are MiB
// beyond what was resident at construction.
class MemoryWatch {
 public:
  struct Peak {
    double resident_mib = 0;
    double own_sum_mib = 0;  // the store's, a moment later
    peers::json parts;       // of it, MiB
  };

  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // The store to ask; null before it is closed. The caller keeps it open until then.
  void set_store(const StorageOptimizer* store);
  // The greatest since the last call.
  [[nodiscard]] Peak take();
  [[nodiscard]] double resident_mib() const;

 private:
  void run();

  const double base_mib_;
  std::mutex mutex_;
  std::condition_variable wake_;
  const StorageOptimizer* store_ = nullptr;
  Peak peak_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace caveat::bench
