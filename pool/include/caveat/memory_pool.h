// Pooled memory of a store, and what the pools saved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace caveat {

// Counted where it happens, since the pool was made. Figures of several pools add up.
struct AllocationStatistics {
  std::uint64_t pool_hits = 0;            // requests served from pooled memory
  std::uint64_t pool_misses = 0;          // requests that went to the heap
  std::uint64_t allocations_avoided = 0;  // heap allocations that the pools saved
  std::uint64_t memory_reused_bytes = 0;  // bytes handed out again
  std::uint64_t bytes_reserved = 0;       // held by the pools now
  std::uint64_t bytes_in_use = 0;         // of those, handed out now

  // Adds another pool's.
  AllocationStatistics& operator+=(const AllocationStatistics& other) noexcept {
    pool_hits += other.pool_hits;
    pool_misses += other.pool_misses;
    allocations_avoided += other.allocations_avoided;
    memory_reused_bytes += other.memory_reused_bytes;
    bytes_reserved += other.bytes_reserved;
    bytes_in_use += other.bytes_in_use;
    return *this;
  }
};

class ChunkPool;
class BufferPool;
class ObjectPoolBase;
template <class T>
class ObjectPool;

// All pools of one store. The delta, the decoders and the encoders allocate from it; what they
// give back serves the next request instead of the heap. Thread-safe. Must outlive every lease
// and every arena taken from it. At most `kept_bytes_max` bytes are kept unused.
class MemoryPool {
 public:
  static constexpr std::size_t kKeptBytesDefault = std::size_t{16} << 20;  // bytes

  explicit MemoryPool(std::size_t kept_bytes_max = kKeptBytesDefault);  // Takes no memory yet.
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // Chunks for arenas (pool/arena.h).
  [[nodiscard]] ChunkPool& chunks() noexcept;
  // The string pool: scratch buffers (pool/buffer_pool.h).
  [[nodiscard]] BufferPool& strings() noexcept;
  // The pool of one type, made on first use: objects<Exception>() is the exception pool. Needs
  // pool/object_pool.h. Takes a lock: callers on a hot path keep the reference.
  template <class T>
  [[nodiscard]] ObjectPool<T>& objects();
  // The vector pool: vectors<T>() lends std::vector<T>, empty, with the capacity of earlier use.
  template <class T>
  [[nodiscard]] ObjectPool<std::vector<T>>& vectors() {
    return objects<std::vector<T>>();
  }

  // Summed over all parts.
  [[nodiscard]] AllocationStatistics statistics() const;
  // Gives everything that is not handed out back to the heap.
  void trim() noexcept;

 private:
  using MakePool = std::unique_ptr<ObjectPoolBase> (*)(std::size_t kept_bytes_max);
  ObjectPoolBase& pool_of(const void* type, MakePool make);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace caveat
