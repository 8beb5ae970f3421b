// Where rows lie: chunks of memory that go all at once.
#pragma once

#include <atomic>
#include <cstddef>

namespace caveat::detail {

// One writer. Pieces are aligned to 8 bytes and never move.
class RowArena {
 public:
  RowArena() = default;
  RowArena(const RowArena&) = delete;
  RowArena& operator=(const RowArena&) = delete;
  ~RowArena();

  [[nodiscard]] void* allocate(std::size_t bytes);
  // The next allocations of so many bytes in all (each rounded up to 8) take no memory from the
  // heap, in whatever pieces.
  void reserve(std::size_t bytes);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return reserved_.load(std::memory_order_relaxed);
  }

 private:
  struct Chunk;
  void add_chunk(std::size_t bytes);

  Chunk* chunks_ = nullptr;
  char* next_ = nullptr;
  char* end_ = nullptr;
  std::atomic<std::size_t> reserved_{0};
};

}  // namespace caveat::detail
