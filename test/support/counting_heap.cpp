#include "test/support/counting_heap.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

std::atomic<std::size_t> heap_allocations{0};
std::atomic<std::size_t> heap_bytes{0};

namespace {

void* counted(std::size_t size) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) return nullptr;
  heap_allocations.fetch_add(1, std::memory_order_relaxed);
  heap_bytes.fetch_add(malloc_usable_size(memory) + 8, std::memory_order_relaxed);
  return memory;
}

void* counted_or_throw(std::size_t size) {
  void* memory = counted(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms: sanitizers' own would not come through the plain one.
void* operator new(std::size_t size) {
  return counted_or_throw(size);
}
void* operator new[](std::size_t size) {
  return counted_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
