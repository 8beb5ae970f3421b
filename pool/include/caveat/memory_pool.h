// (being written)
#pragma once
#include <cstdint>
namespace caveat {
struct AllocationStatistics {
  std::uint64_t pool_hits = 0;            // requests served from pooled memory
  std::uint64_t pool_misses = 0;          // requests that went to the heap
  std::uint64_t allocations_avoided = 0;  // heap allocations that the pools saved
  std::uint64_t memory_reused_bytes = 0;  // bytes handed out again
  std::uint64_t bytes_reserved = 0;       // held by the pools now
  std::uint64_t bytes_in_use = 0;         // of those, handed out now
};
}  // namespace caveat
