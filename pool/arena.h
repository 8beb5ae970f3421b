// Memory that is freed as a whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pool/chunk_pool.h"
#include "pool/invariant.h"

namespace caveat {

// A bump allocator over chunks of a ChunkPool. Addresses are stable until reset() or the end of
// the arena, which give the chunks back for the next arena; single allocations are never freed.
// One thread allocates at a time; others may read what was allocated. Allocating throws
// std::bad_alloc and nothing else. Destructors of what lies in it are not run.
class Arena final : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t kFirstChunkBytes = std::size_t{4} << 10;
  static constexpr std::size_t kChunkBytesMax = std::size_t{1} << 20;

  // Chunks double from the first to the largest: small arenas stay small, large ones ask seldom.
  explicit Arena(ChunkPool& pool, std::size_t first_chunk_bytes = kFirstChunkBytes,
                 std::size_t chunk_bytes_max = kChunkBytesMax) noexcept
      : pool_(&pool),
        first_chunk_bytes_(first_chunk_bytes),
        chunk_bytes_max_(chunk_bytes_max),
        next_chunk_bytes_(first_chunk_bytes) {}
  ~Arena() override { reset(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `alignment` is a power of two. Never null, not even for 0 bytes.
  [[nodiscard]] void* allocate(std::size_t bytes,
                               std::size_t alignment = alignof(std::max_align_t)) {
    bytes += static_cast<std::size_t>(bytes == 0);
    const std::uintptr_t start = (cursor_ + alignment - 1) & ~(alignment - 1);
    if (start < end_ && bytes <= end_ - start) [[likely]] {
      cursor_ = start + bytes;
      ++served_in_place_;
      return reinterpret_cast<void*>(start);
    }
    return allocate_slow(bytes, alignment);
  }

  // Bytes without alignment.
  [[nodiscard]] char* allocate_bytes(std::size_t bytes) {
    return static_cast<char*>(allocate(bytes, 1));
  }
  [[nodiscard]] std::string_view copy(std::string_view bytes) {
    char* to = allocate_bytes(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }

  template <class T, class... Args>
  [[nodiscard]] T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "nobody would run the destructor");
    return ::new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  // `count` value-initialised objects.
  template <class T>
  [[nodiscard]] T* make_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "nobody would run the destructor");
    // T may well be a pointer: NOLINTNEXTLINE(bugprone-sizeof-expression)
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    // NOLINTNEXTLINE(bugprone-sizeof-expression)
    T* first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(first + i)) T{};
    return first;
  }

  // Gives every chunk back; everything allocated is gone.
  void reset() noexcept;

  // What the arena holds, in chunks. May be read from any thread.
  [[nodiscard]] std::size_t bytes_reserved() const noexcept {
    return bytes_reserved_.load(std::memory_order_relaxed);
  }

 private:
  // In the first bytes of each chunk.
  struct Link {
    Link* next;
    std::size_t size;
  };

  void* allocate_slow(std::size_t bytes, std::size_t alignment);
  void report_avoided() noexcept;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  ChunkPool* pool_;
  std::uintptr_t cursor_ = 0;
  std::uintptr_t end_ = 0;
  Link* chunks_ = nullptr;  // the one being filled first
  const std::size_t first_chunk_bytes_;
  const std::size_t chunk_bytes_max_;
  std::size_t next_chunk_bytes_;
  std::uint64_t served_in_place_ = 0;
  std::atomic<std::size_t> bytes_reserved_{0};
};

}  // namespace caveat
