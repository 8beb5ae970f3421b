#include "pool/lasting_memory.h"

#include <algorithm>
#include <memory_resource>
#include <mutex>

#include "pool/huge_heap.h"

namespace caveat::lasting_memory {

namespace {

// Larger ones are pieces of the heap of their own.
constexpr std::size_t kPooledMax =
    HugeHeap::kGranuleBytes;  // aligned to their size, as granules are
constexpr std::size_t kPiecesInChunk = 512;
// Sanitizers see more of memory that comes piece by piece.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

class HugePages : public std::pmr::memory_resource {
 private:
  static constexpr std::size_t rounded(std::size_t bytes) noexcept {
    constexpr std::size_t kGranule = HugeHeap::kGranuleBytes;
    return (bytes + kGranule - 1) / kGranule * kGranule;
  }
  static constexpr bool fits(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= HugeHeap::kRegionBytes && alignment <= HugeHeap::kGranuleBytes;
  }
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (fits(bytes, alignment)) return heap_.acquire(rounded(bytes));
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
    if (fits(bytes, alignment)) {
      heap_.release(static_cast<std::byte*>(piece), rounded(bytes));
    } else {
      std::pmr::new_delete_resource()->deallocate(piece, bytes, alignment);
    }
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  HugeHeap heap_;
};

struct Shared {
  std::mutex mutex;
  HugePages pages;
  std::pmr::unsynchronized_pool_resource pools{{kPiecesInChunk, kPooledMax}, &pages};

  // The pools keep a sorted list of what is too large for them, and move half of it at each piece
  // that comes or goes: with a backend's cache of some thousand blocks, a sixth of a get's time.
  [[nodiscard]] std::pmr::memory_resource& of(std::size_t bytes, std::size_t alignment) noexcept {
    if (std::max(bytes, alignment) > kPooledMax) return pages;
    return pools;
  }
};

// Never destroyed: what hosts hold on to may be the last to go.
Shared& shared() {
  static Shared& one = *new Shared;
  return one;
}

}  // namespace

void* acquire(std::size_t bytes, std::size_t alignment) {
  if (!kPooled) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  Shared& from = shared();
  const std::lock_guard lock(from.mutex);
  return from.of(bytes, alignment).allocate(bytes, alignment);
}

void release(void* piece, std::size_t bytes, std::size_t alignment) noexcept {
  if (!kPooled) return std::pmr::new_delete_resource()->deallocate(piece, bytes, alignment);
  Shared& to = shared();
  const std::lock_guard lock(to.mutex);
  to.of(bytes, alignment).deallocate(piece, bytes, alignment);
}

}  // namespace caveat::lasting_memory
