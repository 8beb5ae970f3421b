#include "pool/heap_spare.h"

#include <chrono>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace caveat {

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)

namespace {

constexpr std::int64_t kShareOfTime = 50;

std::int64_t now_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace

void HeapSpare::give_back() noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const std::int64_t begun = now_ns();
  if (!lock || begun < not_before_ns_) return;
  // What was given back is counted as free all the same: whether it was used again nobody knows.
  if (mallinfo2().fordblks >= worth_bytes_) static_cast<void>(malloc_trim(0));
  const std::int64_t ended = now_ns();
  not_before_ns_ = ended + (ended - begun) * kShareOfTime;
}

#else

void HeapSpare::give_back() noexcept {}

#endif

}  // namespace caveat
