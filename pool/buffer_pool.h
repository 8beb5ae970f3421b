// Scratch strings for encoders and decoders.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "caveat/memory_pool.h"
#include "pool/invariant.h"
#include "pool/spin_lock.h"
#include "pool/thread_index.h"

namespace caveat {

// Lends std::string buffers that keep the capacity of earlier use. Thread-safe: threads are spread
// over shards and rarely meet. Keeps at most `kept_bytes_max` bytes unused.
class BufferPool {
 public:
  // A buffer on loan, empty at first; goes back when the lease ends. Move-only. The pool must
  // outlive it. May end on another thread than it began.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          buffer_(std::move(other.buffer_)),
          charged_(other.charged_) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        if (pool_ != nullptr) release();
        pool_ = std::exchange(other.pool_, nullptr);
        buffer_ = std::move(other.buffer_);
        charged_ = other.charged_;
      }
      return *this;
    }
    ~Lease() {
      if (pool_ != nullptr) release();
    }

    [[nodiscard]] std::string& operator*() noexcept { return buffer_; }
    [[nodiscard]] std::string* operator->() noexcept { return &buffer_; }

    // Ends the loan early; once.
    void release() noexcept {
      CAVEAT_ASSERT(pool_ != nullptr);
      std::exchange(pool_, nullptr)->take_back(std::move(buffer_), charged_);
    }

   private:
    friend class BufferPool;
    Lease(BufferPool* pool, std::string&& buffer) noexcept
        : pool_(pool), buffer_(std::move(buffer)), charged_(buffer_.capacity()) {}

    BufferPool* pool_ = nullptr;
    std::string buffer_;
    std::size_t charged_ = 0;
  };

  explicit BufferPool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // An empty buffer with room for `size_hint` bytes. Throws std::bad_alloc.
  [[nodiscard]] Lease acquire(std::size_t size_hint = 0);

  void trim() noexcept;
  [[nodiscard]] AllocationStatistics statistics() const noexcept;

 private:
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kSlots = 16;

  struct alignas(detail::kCacheLine) Shard {
    mutable SpinLock lock;
    std::array<std::string, kSlots> buffers;  // the first `count` are kept
    std::size_t count = 0;
    std::size_t kept_bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t reused_bytes = 0;
    std::int64_t bytes_in_use = 0;  // may be negative: leases move between threads
  };

  Shard& shard() noexcept { return shards_[detail::thread_index() % kShards]; }
  void take_back(std::string&& buffer, std::size_t charged) noexcept;

  // Each shard may keep its share, so that no shard needs to know of the others.
  [[nodiscard]] std::size_t shard_bytes_max() const noexcept { return kept_bytes_max_ / kShards; }

  const std::size_t kept_bytes_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace caveat
