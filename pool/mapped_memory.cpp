#include "pool/mapped_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace caveat::mapped_memory {

namespace {

std::size_t in_pages(std::size_t bytes) noexcept {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

// Maps a huge page more, keeps the aligned middle.
void* map(std::size_t bytes) {
  const std::size_t size = in_pages(bytes);
  const std::size_t spare = size < kHugePageBytes ? 0 : kHugePageBytes;
  void* const mapped = mmap(nullptr, size + spare, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  if (spare == 0) return mapped;
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uintptr_t aligned = (begin + spare - 1) / spare * spare;
  const std::size_t before = aligned - begin;
  if (before != 0) munmap(mapped, before);
  if (before != spare) munmap(reinterpret_cast<void*>(aligned + size), spare - before);
#ifdef MADV_HUGEPAGE
  madvise(reinterpret_cast<void*>(aligned), size, MADV_HUGEPAGE);  // or small pages
#endif
  return reinterpret_cast<void*>(aligned);
}

void unmap(void* piece, std::size_t bytes) noexcept {
  munmap(piece, in_pages(bytes));
}

}  // namespace caveat::mapped_memory
