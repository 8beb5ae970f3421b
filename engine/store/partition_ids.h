// Partition id -> lower bound. Index hints name partitions by id; the directory is by key.
//
// A partition keeps its lower bound for life and ids are never reused, so an entry is written once,
// before any version shows the id, and read without locks.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>

#include "engine/partition/directory.h"

namespace caveat {

class PartitionIds {
 public:
  PartitionIds() = default;
  ~PartitionIds() {
    for (auto& middle : root_) {
      Middle* m = middle.load(std::memory_order_relaxed);
      if (m == nullptr) continue;
      for (auto& leaf : m->leaves) delete leaf.load(std::memory_order_relaxed);
      delete m;
    }
  }
  PartitionIds(const PartitionIds&) = delete;
  PartitionIds& operator=(const PartitionIds&) = delete;

  static constexpr PartitionId kIdsMax = PartitionId{1} << 36;

  // Mutator only; id < kIdsMax.
  void set(PartitionId id, const ExceptionKey& lower) {
    auto& top = root_[id >> 24];
    if (top.load(std::memory_order_relaxed) == nullptr) {
      top.store(new Middle(), std::memory_order_release);
    }
    auto& leaf = top.load(std::memory_order_relaxed)->leaves[id >> 12 & 0xFFF];
    if (leaf.load(std::memory_order_relaxed) == nullptr) {
      leaf.store(new Leaf(), std::memory_order_release);
    }
    auto& slot = *leaf.load(std::memory_order_relaxed);
    slot.lower[id & 0xFFF] = lower;
    slot.known[id & 0xFFF].store(true, std::memory_order_release);
  }

  // Nothing for ids that never were: hints of those are damage or stale.
  [[nodiscard]] std::optional<ExceptionKey> find(PartitionId id) const noexcept {
    if (id >= kIdsMax) return std::nullopt;
    const Middle* middle = root_[id >> 24].load(std::memory_order_acquire);
    if (middle == nullptr) return std::nullopt;
    const Leaf* leaf = middle->leaves[id >> 12 & 0xFFF].load(std::memory_order_acquire);
    if (leaf == nullptr || !leaf->known[id & 0xFFF].load(std::memory_order_acquire)) {
      return std::nullopt;
    }
    return leaf->lower[id & 0xFFF];
  }

 private:
  struct Leaf {
    std::array<ExceptionKey, 4096> lower{};
    std::array<std::atomic<bool>, 4096> known{};
  };
  struct Middle {
    std::array<std::atomic<Leaf*>, 4096> leaves{};
  };
  std::array<std::atomic<Middle*>, 4096> root_{};
};

}  // namespace caveat
