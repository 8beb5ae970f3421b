#include "caveat/memory_pool.h"

#include <mutex>

#include "pool/buffer_pool.h"
#include "pool/chunk_pool.h"
#include "pool/object_pool.h"

namespace caveat {

// Chunks are the bulk: the delta's generations come and go in megabytes. Each object pool may keep
// a sixteenth; there are few types.
struct MemoryPool::Parts {
  explicit Parts(std::size_t kept_bytes_max)
      : chunks(kept_bytes_max / 2),
        strings(kept_bytes_max / 4),
        object_bytes_max(kept_bytes_max / 16) {}

  ChunkPool chunks;
  BufferPool strings;
  const std::size_t object_bytes_max;
  mutable std::mutex mutex;  // guards the list, not the pools
  std::vector<std::pair<const void*, std::unique_ptr<ObjectPoolBase>>> objects;
};

MemoryPool::MemoryPool(std::size_t kept_bytes_max)
    : parts_(std::make_unique<Parts>(kept_bytes_max)) {}
MemoryPool::~MemoryPool() = default;

ChunkPool& MemoryPool::chunks() noexcept {
  return parts_->chunks;
}
BufferPool& MemoryPool::strings() noexcept {
  return parts_->strings;
}

ObjectPoolBase& MemoryPool::pool_of(const void* type, MakePool make) {
  const std::lock_guard lock(parts_->mutex);
  for (const auto& [known, pool] : parts_->objects) {
    if (known == type) return *pool;
  }
  return *parts_->objects.emplace_back(type, make(parts_->object_bytes_max)).second;
}

AllocationStatistics MemoryPool::statistics() const {
  AllocationStatistics sum = parts_->chunks.statistics();
  sum += parts_->strings.statistics();
  const std::lock_guard lock(parts_->mutex);
  for (const auto& [type, pool] : parts_->objects) sum += pool->statistics();
  return sum;
}

void MemoryPool::trim() noexcept {
  parts_->chunks.trim();
  parts_->strings.trim();
  const std::lock_guard lock(parts_->mutex);
  for (const auto& [type, pool] : parts_->objects) pool->trim();
}

}  // namespace caveat
