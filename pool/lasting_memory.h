// Memory for small things that live long: key filters, the directory.
//
// A fold makes thousands of them between pieces that are freed when it ends. In malloc's memory
// each of them would keep a page of what was freed resident (docs/decisions/0113); here they lie
// together, and in huge pages, which lookups that go anywhere like as well (0080).
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace caveat {

// Of the process; any thread. acquire throws std::bad_alloc.
namespace lasting_memory {
[[nodiscard]] void* acquire(std::size_t bytes, std::size_t alignment);
void release(void* piece, std::size_t bytes, std::size_t alignment) noexcept;
}  // namespace lasting_memory

template <class T>
struct LastingAllocator {
  using value_type = T;

  LastingAllocator() = default;
  template <class U>
  LastingAllocator(const LastingAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(lasting_memory::acquire(count * sizeof(T), alignof(T)));
  }
  void deallocate(T* piece, std::size_t count) noexcept {
    lasting_memory::release(piece, count * sizeof(T), alignof(T));
  }
  friend bool operator==(const LastingAllocator&, const LastingAllocator&) { return true; }
};

template <class T>
using LastingVector = std::vector<T, LastingAllocator<T>>;

template <class T, class... Arguments>
[[nodiscard]] std::shared_ptr<const T> make_lasting(Arguments&&... arguments) {
  return std::allocate_shared<T>(LastingAllocator<T>(), std::forward<Arguments>(arguments)...);
}

}  // namespace caveat
