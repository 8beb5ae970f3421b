#include "pool/buffer_pool.h"

#include <mutex>

#include "pool/poison.h"

namespace caveat {
namespace {

// A string keeps this much inside itself; a buffer of that capacity owns no memory.
const std::size_t kInlineCapacity = std::string().capacity();

}  // namespace

BufferPool::Lease BufferPool::acquire(std::size_t size_hint) {
  std::string buffer;
  {
    Shard& here = shard();
    const std::lock_guard lock(here.lock);
    // The smallest buffer that is large enough; failing that the largest, which is then grown:
    // so the stash comes to suit what is asked for.
    std::size_t best = here.count;
    for (std::size_t i = 0; i < here.count; ++i) {
      const std::size_t capacity = here.buffers[i].capacity();
      if (best == here.count) {
        best = i;
        continue;
      }
      const std::size_t best_capacity = here.buffers[best].capacity();
      const bool better = best_capacity < size_hint
                              ? capacity > best_capacity
                              : capacity >= size_hint && capacity < best_capacity;
      if (better) best = i;
    }
    if (best != here.count) {
      buffer.swap(here.buffers[best]);
      here.kept_bytes -= buffer.capacity();
      --here.count;
      if (best != here.count) here.buffers[best].swap(here.buffers[here.count]);
    }
    if (buffer.capacity() > kInlineCapacity && buffer.capacity() >= size_hint) {
      ++here.hits;
      here.reused_bytes += buffer.capacity();
      here.bytes_in_use += static_cast<std::int64_t>(buffer.capacity());
      buffer.clear();
      return {this, std::move(buffer)};
    }
    ++here.misses;
  }
  buffer.clear();
  buffer.reserve(size_hint);
  const std::size_t capacity = buffer.capacity();
  Shard& here = shard();
  const std::lock_guard lock(here.lock);
  here.bytes_in_use += static_cast<std::int64_t>(capacity);
  return {this, std::move(buffer)};
}

void BufferPool::take_back(std::string&& buffer, std::size_t charged) noexcept {
  std::string dropped = std::move(buffer);
  const std::size_t capacity = dropped.capacity();
  if constexpr (detail::kPoison) {
    // Within its capacity a string grows without allocating.
    dropped.assign(capacity, static_cast<char>(detail::kPoisonByte));
  }
  Shard& here = shard();
  const std::lock_guard lock(here.lock);
  here.bytes_in_use -= static_cast<std::int64_t>(charged);
  if (capacity <= kInlineCapacity || here.kept_bytes + capacity > shard_bytes_max()) return;
  if (here.count < kSlots) {
    here.buffers[here.count++].swap(dropped);
    here.kept_bytes += capacity;
    return;
  }
  // Full: the smallest goes.
  std::size_t smallest = 0;
  for (std::size_t i = 1; i < kSlots; ++i) {
    if (here.buffers[i].capacity() < here.buffers[smallest].capacity()) smallest = i;
  }
  if (here.buffers[smallest].capacity() >= capacity) return;
  here.kept_bytes += capacity - here.buffers[smallest].capacity();
  here.buffers[smallest].swap(dropped);
}

void BufferPool::trim() noexcept {
  for (Shard& each : shards_) {
    std::array<std::string, kSlots> dropped;  // freed after the lock
    const std::lock_guard lock(each.lock);
    each.buffers.swap(dropped);
    each.count = 0;
    each.kept_bytes = 0;
  }
}

AllocationStatistics BufferPool::statistics() const noexcept {
  AllocationStatistics result;
  std::int64_t in_use = 0;
  for (const Shard& each : shards_) {
    const std::lock_guard lock(each.lock);
    result.pool_hits += each.hits;
    result.pool_misses += each.misses;
    result.memory_reused_bytes += each.reused_bytes;
    result.bytes_reserved += each.kept_bytes;
    in_use += each.bytes_in_use;
  }
  result.allocations_avoided = result.pool_hits;
  // A lease that moves while the shards are read may be seen once too few.
  result.bytes_in_use = in_use < 0 ? 0 : static_cast<std::uint64_t>(in_use);
  result.bytes_reserved += result.bytes_in_use;
  return result;
}

}  // namespace caveat
