// A small number for the calling thread, to pick a shard that few others use.
#pragma once

#include <atomic>
#include <cstddef>

namespace caveat::detail {

inline std::atomic<std::size_t> next_thread_index{0};

inline std::size_t thread_index() noexcept {
  // 0 means not yet numbered: a constant initialiser keeps the access free of a guard.
  thread_local std::size_t index = 0;
  if (index == 0) [[unlikely]] {
    index = next_thread_index.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  return index;
}

inline constexpr std::size_t kCacheLine = 64;

}  // namespace caveat::detail
