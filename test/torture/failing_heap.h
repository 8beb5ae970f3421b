// Allocations that fail: in this executable every operator new asks here.
#pragma once

#include <cstdint>

namespace caveat::test {

enum class AllocFault : std::uint8_t {
  none,
  once,    // that one
  sticky,  // that one and all after it
};
enum class AllocThreads : std::uint8_t {
  mine,  // the thread that armed it
  all,
  others,  // all but that one
};

enum class AllocOwner : std::uint8_t {
  anybody,
  caveat,  // not what RocksDB, or what it calls back, asks for: it is not made for std::bad_alloc
};

// Allocation number `point` from now on fails, the first being 0.
void arm_heap(AllocFault fault, AllocThreads threads, std::uint64_t point,
              AllocOwner owner = AllocOwner::anybody);
void disarm_heap();
// Since arm_heap(): allocations that were counted, and that failed.
[[nodiscard]] std::uint64_t heap_counted();
[[nodiscard]] std::uint64_t heap_struck();

// While one lives, allocations of its thread are the test's own: neither counted nor failed.
class Unwatched {
 public:
  Unwatched() noexcept { ++depth(); }
  ~Unwatched() { --depth(); }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;
  [[nodiscard]] static bool here() noexcept { return depth() > 0; }

 private:
  static int& depth() noexcept;
};

// Allocations that live now, less those that lived when the program began.
[[nodiscard]] std::int64_t heap_living();

}  // namespace caveat::test
