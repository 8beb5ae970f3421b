#include "pool/chunk_pool.h"

#include <bit>
#include <new>

#include "pool/invariant.h"
#include "pool/mapped_memory.h"
#include "pool/poison.h"

namespace caveat {
namespace {

// In builds that look for misuse each chunk is an allocation of its own, with guards around it.
constexpr bool kHugePages = !detail::kPoison;
static_assert(ChunkPool::kSmallPoolBytes <= HugeHeap::kRegionBytes);

// Says "probably in a free list", so that the check for a double release walks the list only then.
constexpr std::uint64_t kFreeMark = 0xF4EEC4A2F4EEC4A2ULL;

}  // namespace

ChunkPool::~ChunkPool() {
  CAVEAT_ASSERT(statistics_.bytes_in_use == 0);
  trim();
}

// The class is the exponent and the three bits below the highest, as of a tiny float.
std::size_t ChunkPool::class_of(std::size_t size) noexcept {
  const auto shift = static_cast<unsigned>(std::bit_width(size)) - 1 - kStepBits;
  constexpr auto kLeast = static_cast<unsigned>(std::countr_zero(kChunkBytesMin)) - kStepBits;
  return ((shift - kLeast) << kStepBits) + (size >> shift) - (std::size_t{1} << kStepBits);
}

std::size_t ChunkPool::size_of(std::size_t size_class) noexcept {
  constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
  return (kChunkBytesMin >> kStepBits) * (kSteps + size_class % kSteps) << (size_class / kSteps);
}

std::size_t ChunkPool::chunk_bytes(std::size_t bytes_min) noexcept {
  if (bytes_min > kChunkBytesMax) return bytes_min;
  if (bytes_min <= kChunkBytesMin) return kChunkBytesMin;
  const std::size_t size_class = class_of(bytes_min);
  const std::size_t size = size_of(size_class);
  return size >= bytes_min ? size : size_of(size_class + 1);
}

Chunk ChunkPool::acquire(std::size_t bytes_min) {
  // Larger than any class: exactly what was asked for.
  const std::size_t size = chunk_bytes(bytes_min);
  const std::lock_guard lock(mutex_);
  if (size <= kChunkBytesMax) {
    FreeChunk*& head = free_[class_of(size)];
    if (head != nullptr) {
      FreeChunk* chunk = head;
      detail::allow(chunk, size);
      head = chunk->next;
      chunk->mark = 0;
      kept_bytes_ -= size;
      ++statistics_.pool_hits;
      ++statistics_.allocations_avoided;
      statistics_.memory_reused_bytes += size;
      statistics_.bytes_in_use += size;
      return {reinterpret_cast<std::byte*>(chunk), size};
    }
  }
  std::byte* const data = allocate(size);
  ++statistics_.pool_misses;
  statistics_.bytes_in_use += size;
  return {data, size};
}

bool ChunkPool::is_kept(const FreeChunk* chunk, std::size_t size_class) const noexcept {
  for (const FreeChunk* at = free_[size_class]; at != nullptr;) {
    if (at == chunk) return true;
    detail::allow(const_cast<FreeChunk*>(at), sizeof(FreeChunk));
    const FreeChunk* next = at->next;
    detail::forbid(const_cast<FreeChunk*>(at), sizeof(FreeChunk));
    at = next;
  }
  return false;
}

void ChunkPool::release(Chunk chunk) noexcept {
  if (chunk.data == nullptr) return;
  const std::lock_guard lock(mutex_);
  CAVEAT_ASSERT(statistics_.bytes_in_use >= chunk.size);
  statistics_.bytes_in_use -= chunk.size;
  if (chunk.size > kChunkBytesMax || kept_bytes_ + chunk.size > kept_bytes_max_ || sparse()) {
    free(chunk.data, chunk.size);
    if (kept_bytes_ > 0 && sparse()) let_go(0);
    return;
  }
  const std::size_t size_class = class_of(chunk.size);
  auto* free_chunk = reinterpret_cast<FreeChunk*>(chunk.data);
  if constexpr (detail::kPoison) {
    detail::allow(free_chunk, sizeof(FreeChunk));
    CAVEAT_ASSERT(free_chunk->mark != kFreeMark || !is_kept(free_chunk, size_class));
  }
  detail::fill_poison(chunk.data, chunk.size);
  *free_chunk = {free_[size_class], kFreeMark};
  free_[size_class] = free_chunk;
  kept_bytes_ += chunk.size;
  detail::forbid(chunk.data, chunk.size);
}

std::byte* ChunkPool::allocate(std::size_t size) {
  const bool small = kept_bytes_max_ < HugeHeap::kRegionBytes ||
                     kept_bytes_ + statistics_.bytes_in_use + size <= kSmallPoolBytes;
  if (kHugePages && !small) {
    if (size > HugeHeap::kRegionBytes) return static_cast<std::byte*>(mapped_memory::map(size));
    return huge_.acquire(size);
  }
  return static_cast<std::byte*>(::operator new(size));
}

void ChunkPool::free(std::byte* data, std::size_t size) noexcept {
  // What is larger than a region never went to a small pool.
  if (kHugePages && kept_bytes_max_ >= HugeHeap::kRegionBytes && size > HugeHeap::kRegionBytes) {
    mapped_memory::unmap(data, size);
  } else if (!huge_.release(data, size)) {
    ::operator delete(data);
  }
}

void ChunkPool::count_avoided(std::uint64_t allocations) noexcept {
  const std::lock_guard lock(mutex_);
  statistics_.allocations_avoided += allocations;
}

void ChunkPool::trim(std::size_t keep_bytes) noexcept {
  const std::lock_guard lock(mutex_);
  let_go(keep_bytes);
}

// A kept chunk keeps its whole region. A cache of decoded blocks that runs empty leaves a few in
// each: 8 MiB that were kept held 50.
bool ChunkPool::sparse() const noexcept {
  return huge_.mapped_bytes() - huge_.used_bytes() > kept_bytes_max_;
}

void ChunkPool::let_go(std::size_t keep_bytes) noexcept {
  // Large chunks first: few calls give much back, and small ones are wanted most often.
  for (std::size_t i = kClasses; i-- > 0;) {
    const std::size_t size = size_of(i);
    while (free_[i] != nullptr && kept_bytes_ > keep_bytes) {
      FreeChunk* chunk = free_[i];
      detail::allow(chunk, size);
      free_[i] = chunk->next;
      kept_bytes_ -= size;
      free(reinterpret_cast<std::byte*>(chunk), size);
    }
  }
}

std::size_t ChunkPool::kept_bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

AllocationStatistics ChunkPool::statistics() const noexcept {
  const std::lock_guard lock(mutex_);
  AllocationStatistics result = statistics_;
  // What lies free inside huge pages counts, too.
  result.bytes_reserved =
      kept_bytes_ + statistics_.bytes_in_use + (huge_.mapped_bytes() - huge_.used_bytes());
  return result;
}

}  // namespace caveat
