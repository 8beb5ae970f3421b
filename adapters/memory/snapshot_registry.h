// Which points in time are still looked at.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "adapters/memory/version_chain.h"

namespace caveat::detail {

class SnapshotRegistry {
 public:
  // The stamp published last. Set by the writer, when all of a batch is in place.
  [[nodiscard]] Stamp published() const noexcept {
    return published_.load(std::memory_order_acquire);
  }
  void publish(Stamp stamp) noexcept { published_.store(stamp, std::memory_order_release); }

  // Reading the stamp and listing it is one step: a writer that prunes later sees it listed, one
  // that pruned before kept what is current.
  [[nodiscard]] Stamp acquire() {
    const std::lock_guard lock(mutex_);
    const Stamp stamp = published();
    ++held_[stamp];
    return stamp;
  }

  // True if nobody holds that stamp any more.
  bool release(Stamp stamp) noexcept {
    const std::lock_guard lock(mutex_);
    const auto entry = held_.find(stamp);
    if (--entry->second > 0) return false;
    held_.erase(entry);
    return true;
  }

  // Sorted.
  void list(std::vector<Stamp>& stamps) const {
    const std::lock_guard lock(mutex_);
    stamps.clear();
    for (const auto& [stamp, count] : held_) stamps.push_back(stamp);
  }
  [[nodiscard]] bool empty() const noexcept {
    const std::lock_guard lock(mutex_);
    return held_.empty();
  }

 private:
  std::atomic<Stamp> published_{0};
  mutable std::mutex mutex_;
  std::map<Stamp, std::size_t> held_;
};

}  // namespace caveat::detail
