// Where an opened block lives: one chunk of the pool.
//
//   +------+---------------+--------+---------------------------------------------+
//   | pool | control block | object | slab: keys, columns, strings (decoded_parts) |
//   +------+---------------+--------+---------------------------------------------+
//
// shared_ptr's control block outlives the object while weak pointers do, so the chunk goes back
// with the control block, which the allocator below is asked to free last.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "caveat/memory_pool.h"
#include "pool/chunk_pool.h"

namespace caveat::detail {

// What open() asks of the allocator, and what it gets.
struct BlockMemory {
  std::shared_ptr<MemoryPool> pool;
  std::size_t slab_bytes = 0;
  char* slab = nullptr;  // aligned for any type
  std::size_t chunk_bytes = 0;
};

template <class T>
class BlockAllocator {
 public:
  using value_type = T;

  explicit BlockAllocator(BlockMemory* memory) noexcept : memory_(memory) {}
  template <class U>
  BlockAllocator(const BlockAllocator<U>& other) noexcept : memory_(other.memory_) {}

  // One object (shared_ptr's control block with the block in it), and the slab behind it.
  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    const std::size_t before = kFrontBytes + aligned(count * sizeof(T));
    const Chunk chunk = memory_->pool->chunks().acquire(before + memory_->slab_bytes);
    ::new (static_cast<void*>(chunk.data)) Front{std::move(memory_->pool), chunk.size};
    memory_->slab = reinterpret_cast<char*>(chunk.data) + before;
    memory_->chunk_bytes = chunk.size;
    return reinterpret_cast<T*>(chunk.data + kFrontBytes);
  }

  // Asks nothing of memory_, which is long gone.
  void deallocate(T* object, std::size_t) noexcept {
    auto* data = reinterpret_cast<std::byte*>(object) - kFrontBytes;
    auto* front = reinterpret_cast<Front*>(data);
    const std::shared_ptr<MemoryPool> pool = std::move(front->pool);
    const std::size_t size = front->size;
    front->~Front();
    pool->chunks().release({data, size});
  }

  friend bool operator==(const BlockAllocator&, const BlockAllocator&) noexcept { return true; }

 private:
  template <class U>
  friend class BlockAllocator;

  struct Front {
    std::shared_ptr<MemoryPool> pool;
    std::size_t size;
  };
  [[nodiscard]] static constexpr std::size_t aligned(std::size_t bytes) noexcept {
    constexpr std::size_t kAlign = alignof(std::max_align_t);
    return (bytes + kAlign - 1) / kAlign * kAlign;
  }
  static constexpr std::size_t kFrontBytes = (sizeof(Front) + alignof(std::max_align_t) - 1) /
                                             alignof(std::max_align_t) * alignof(std::max_align_t);

  BlockMemory* memory_;
};

// Hands out pieces of a slab. Run twice: over nothing to learn the size, then over the memory.
class Carver {
 public:
  explicit Carver(char* slab = nullptr) noexcept : slab_(slab) {}
  template <class T>
  [[nodiscard]] T* take(std::size_t count) noexcept {
    at_ = (at_ + alignof(T) - 1) / alignof(T) * alignof(T);
    T* const piece = slab_ == nullptr ? nullptr : reinterpret_cast<T*>(slab_ + at_);
    at_ += count * sizeof(T);
    return piece;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return at_; }

 private:
  char* slab_;
  std::size_t at_ = 0;
};

}  // namespace caveat::detail
