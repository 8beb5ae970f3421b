// What malloc keeps of freed memory, and giving it back to the system.
//
// glibc's arenas return memory at their upper end only. A fold frees some hundred MiB in pieces of
// all sizes, on several threads; a few that live on keep the rest resident, beyond any budget that
// counts what is in use (docs/decisions/0113).
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace caveat {

// Thread-safe. Without glibc it does nothing.
class HeapSpare {
 public:
  // `worth_bytes`: less than that may stay.
  explicit HeapSpare(std::size_t worth_bytes) noexcept : worth_bytes_(worth_bytes) {}

  // After work that has freed much. Gives whole free pages of malloc's, the whole process's, back:
  // some ms, and a page fault for each that is used again. Does nothing where too little is free,
  // or where it would take more than a fiftieth of all time.
  void give_back() noexcept;

 private:
  const std::size_t worth_bytes_;
  std::mutex mutex_;
  std::int64_t not_before_ns_ = 0;
};

}  // namespace caveat
