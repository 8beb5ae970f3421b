#include "adapters/rocksdb/cache_memory.h"

#include <cstring>

#include "pool/lasting_memory.h"

namespace caveat::detail {

namespace {
constexpr std::size_t kFrontBytes = alignof(std::max_align_t);  // holds the size of the whole
}

void* CacheMemory::Allocate(std::size_t bytes) {
  const std::size_t whole = bytes + kFrontBytes;
  auto* const front =
      static_cast<std::byte*>(lasting_memory::acquire(whole, alignof(std::max_align_t)));
  std::memcpy(front, &whole, sizeof(whole));
  return front + kFrontBytes;
}

void CacheMemory::Deallocate(void* piece) {
  std::byte* const front = static_cast<std::byte*>(piece) - kFrontBytes;
  std::size_t whole = 0;
  std::memcpy(&whole, front, sizeof(whole));
  lasting_memory::release(front, whole, alignof(std::max_align_t));
}

}  // namespace caveat::detail
