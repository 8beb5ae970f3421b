// A batch whose memory comes from the store's pool and goes back there.
#pragma once

#include <utility>

#include "caveat/write_batch.h"
#include "pool/buffer_pool.h"

namespace caveat {

class PooledBatch {
 public:
  // `size_hint`: bytes of the rows to come, about.
  explicit PooledBatch(MemoryPool& pool, std::size_t size_hint = kSmallBytes)
      : lease_(pool.strings().acquire(size_hint)), batch_(std::move(*lease_)) {}
  ~PooledBatch() { *lease_ = batch_.release_buffer(); }
  PooledBatch(const PooledBatch&) = delete;
  PooledBatch& operator=(const PooledBatch&) = delete;

  [[nodiscard]] WriteBatch& operator*() noexcept { return batch_; }
  [[nodiscard]] WriteBatch* operator->() noexcept { return &batch_; }

 private:
  static constexpr std::size_t kSmallBytes = 256;  // a record of most kinds

  BufferPool::Lease lease_;
  WriteBatch batch_;
};

}  // namespace caveat
