#include "test/bench/scale/memory_watch.h"

#include <malloc.h>

#include <chrono>
#include <utility>

namespace caveat::bench {

namespace {

constexpr std::chrono::milliseconds kInterval{20};
constexpr double kWorthAsking = 2;  // MiB; asking walks the directory

// What reading the data set left behind is not part of it: the store would use that first, and
// seem smaller by it.
double resident_after_trim() {
  malloc_trim(0);
  const peers::Rss rss = peers::rss();
  return rss.anon + rss.file;
}

}  // namespace

MemoryWatch::MemoryWatch() : base_mib_(resident_after_trim()), thread_([this] { run(); }) {}

MemoryWatch::~MemoryWatch() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void MemoryWatch::set_store(const StorageOptimizer* store) {
  const std::lock_guard lock(mutex_);
  store_ = store;
}

MemoryWatch::Peak MemoryWatch::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(peak_, {});
}

double MemoryWatch::resident_mib() const {
  const peers::Rss rss = peers::rss();
  return rss.anon + rss.file - base_mib_;
}

void MemoryWatch::run() {
  double asked_at = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kInterval, [this] { return ends_; })) {
    const double resident = resident_mib();
    if (peak_.resident_mib == 0) asked_at = 0;
    if (resident <= peak_.resident_mib) continue;
    peak_.resident_mib = resident;
    if (store_ == nullptr || resident < asked_at + kWorthAsking) continue;
    asked_at = resident;
    const StorageStatistics statistics = store_->estimate_storage_statistics();
    peak_.own_sum_mib = static_cast<double>(statistics.memory_bytes) / 1048576;
    for (const auto& part : statistics.memory_parts) {
      peak_.parts[std::string(part.name)] = static_cast<double>(part.bytes) / 1048576;
    }
  }
}

}  // namespace caveat::bench
