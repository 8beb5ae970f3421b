// Counters that every thread adds to in memory of its own.
//
// The first kCells threads each own a cache line and add without a locked instruction (which costs
// as much as a cache hit of the whole lookup); threads beyond share one line.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pool/thread_index.h"

namespace caveat::detail {

template <std::size_t kCounters>
class ThreadCounters {
 public:
  void add(std::size_t which, std::uint64_t count = 1) noexcept {
    const std::size_t index = thread_index();  // never given out twice
    if (index < kCells) [[likely]] {
      auto& mine = cells_[index].counts[which];
      mine.store(mine.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    } else {
      cells_[0].counts[which].fetch_add(count, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] std::uint64_t sum(std::size_t which) const noexcept {
    std::uint64_t total = 0;
    for (const Cell& cell : cells_) total += cell.counts[which].load(std::memory_order_relaxed);
    return total;
  }

 private:
  static constexpr std::size_t kCells = 64;  // 0 is the shared one: indexes begin at 1
  struct alignas(kCacheLine) Cell {
    std::array<std::atomic<std::uint64_t>, kCounters> counts{};
  };
  static_assert(sizeof(Cell) == kCacheLine);
  std::array<Cell, kCells> cells_;
};

}  // namespace caveat::detail
