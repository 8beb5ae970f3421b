// Chunks of memory for arenas, recycled from one generation to the next.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "caveat/memory_pool.h"
#include "pool/huge_heap.h"

namespace caveat {

struct Chunk {
  std::byte* data = nullptr;
  std::size_t size = 0;
};

// Sizes come in eight steps to the doubling (4, 4.5, 5 ... 8, 9, 10 ... KiB), from kChunkBytesMin
// to kChunkBytesMax: few enough that a chunk given back soon suits a later request, and close
// enough that a decoded block, which asks for exactly what it needs, wastes a twentieth and not a
// third. Anything larger goes to the system and back. A pool that may keep a whole huge page and
// has grown beyond kSmallPoolBytes takes chunks from such pages: a small store need not hold a
// whole one. Thread-safe.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytesMin = std::size_t{4} << 10;
  static constexpr std::size_t kChunkBytesMax = std::size_t{4} << 20;
  static constexpr std::size_t kSmallPoolBytes = std::size_t{2} << 20;

  // What acquire(bytes_min) hands out.
  [[nodiscard]] static std::size_t chunk_bytes(std::size_t bytes_min) noexcept;

  // Keeps at most `kept_bytes_max` bytes of chunks that nobody uses.
  explicit ChunkPool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // At least `bytes_min` bytes, aligned for any type; contents undefined. Throws std::bad_alloc.
  [[nodiscard]] Chunk acquire(std::size_t bytes_min);
  // Takes a chunk back that acquire gave; asserts that it was not given back before.
  void release(Chunk chunk) noexcept;
  // Arenas report here how many requests they served without asking for a chunk.
  void count_avoided(std::uint64_t allocations) noexcept;

  // Frees unused chunks until at most `keep_bytes` are kept.
  void trim(std::size_t keep_bytes = 0) noexcept;
  [[nodiscard]] std::size_t kept_bytes() const noexcept;
  [[nodiscard]] AllocationStatistics statistics() const noexcept;

 private:
  // Lives in the first bytes of a kept chunk: giving back allocates nothing.
  struct FreeChunk {
    FreeChunk* next;
    std::uint64_t mark;
  };
  static constexpr unsigned kStepBits = 3;  // steps to a doubling, as a power of two
  static constexpr std::size_t kClasses = (std::size_t{10} << kStepBits) + 1;
  static_assert(kChunkBytesMin << ((kClasses - 1) >> kStepBits) == kChunkBytesMax);

  [[nodiscard]] std::byte* allocate(std::size_t size);
  void free(std::byte* data, std::size_t size) noexcept;
  // More lies free inside huge pages than may be kept: then nothing is.
  [[nodiscard]] bool sparse() const noexcept;
  void let_go(std::size_t keep_bytes) noexcept;
  [[nodiscard]] static std::size_t class_of(std::size_t size) noexcept;
  [[nodiscard]] static std::size_t size_of(std::size_t size_class) noexcept;
  [[nodiscard]] bool is_kept(const FreeChunk* chunk, std::size_t size_class) const noexcept;

  mutable std::mutex mutex_;
  std::array<FreeChunk*, kClasses> free_{};
  HugeHeap huge_;
  const std::size_t kept_bytes_max_;
  std::size_t kept_bytes_ = 0;
  AllocationStatistics statistics_;  // bytes_reserved is worked out
};

}  // namespace caveat
