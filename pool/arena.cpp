#include "pool/arena.h"

#include <algorithm>

namespace caveat {

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  CAVEAT_ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0);
  if (bytes > SIZE_MAX / 2 || alignment > SIZE_MAX / 4) throw std::bad_alloc();
  const std::size_t needed = sizeof(Link) + bytes + alignment - 1;

  // Chunks grow to suit the pieces. What is too large even so gets a chunk of its own, behind the
  // one being filled, which stays in use.
  while (next_chunk_bytes_ < chunk_bytes_max_ && needed > next_chunk_bytes_ / 2) {
    next_chunk_bytes_ *= 2;
  }
  const bool own_chunk = needed > next_chunk_bytes_ / 2;
  const Chunk chunk = pool_->acquire(own_chunk ? needed : next_chunk_bytes_);
  auto* link = ::new (static_cast<void*>(chunk.data)) Link{nullptr, chunk.size};
  bytes_reserved_.fetch_add(chunk.size, std::memory_order_relaxed);
  report_avoided();

  const auto base = reinterpret_cast<std::uintptr_t>(chunk.data);
  const std::uintptr_t start = (base + sizeof(Link) + alignment - 1) & ~(alignment - 1);
  const std::uintptr_t after = start + bytes;
  const std::uintptr_t chunk_end = base + chunk.size;
  CAVEAT_ASSERT(after <= chunk_end);

  // Go on in whichever chunk has more room left.
  if (chunks_ != nullptr && chunk_end - after < end_ - cursor_) {
    link->next = chunks_->next;
    chunks_->next = link;
  } else {
    link->next = chunks_;
    chunks_ = link;
    cursor_ = after;
    end_ = chunk_end;
  }
  if (!own_chunk) next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, chunk_bytes_max_);
  return reinterpret_cast<void*>(start);
}

void Arena::report_avoided() noexcept {
  if (served_in_place_ != 0) pool_->count_avoided(std::exchange(served_in_place_, 0));
}

void Arena::reset() noexcept {
  report_avoided();
  while (chunks_ != nullptr) {
    const Chunk chunk{reinterpret_cast<std::byte*>(chunks_), chunks_->size};
    chunks_ = chunks_->next;
    pool_->release(chunk);
  }
  cursor_ = 0;
  end_ = 0;
  next_chunk_bytes_ = first_chunk_bytes_;
  bytes_reserved_.store(0, std::memory_order_relaxed);
}

}  // namespace caveat
