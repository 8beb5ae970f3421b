// Large pieces of memory that go back to the system as soon as they are freed.
//
// What a fold sorts, or a generation's tables, are megabytes that come and go. From malloc they
// would leave holes of that size in one arena after the other, which stay resident, for a threshold
// of malloc's that learns (M_MMAP_THRESHOLD) no longer maps them by themselves after the first
// (docs/decisions/0131).
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <vector>

namespace caveat {

// A mapping a piece, in whole pages, huge ones where it is long enough; aligned to those, too.
namespace mapped_memory {
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Throws std::bad_alloc.
[[nodiscard]] void* map(std::size_t bytes);
void unmap(void* piece, std::size_t bytes) noexcept;
}  // namespace mapped_memory

// Maps what is large and leaves the rest to malloc.
template <class T>
struct MappedAllocator {
  using value_type = T;
  static constexpr std::size_t kMappedMin = std::size_t{256} << 10;
  // (What is kept may well be pointers.)
  static constexpr std::size_t kBytes = sizeof(T);  // NOLINT(bugprone-sizeof-expression)
// Sanitizers see more of memory that is malloc's.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool kMaps = false;
#else
  static constexpr bool kMaps = true;
#endif

  MappedAllocator() = default;
  template <class U>
  MappedAllocator(const MappedAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    if (count > std::numeric_limits<std::size_t>::max() / 2 / kBytes) throw std::bad_alloc();
    const std::size_t bytes = count * kBytes;
    if (kMaps && bytes >= kMappedMin) return static_cast<T*>(mapped_memory::map(bytes));
    return static_cast<T*>(::operator new(bytes));
  }
  void deallocate(T* piece, std::size_t count) noexcept {
    const std::size_t bytes = count * kBytes;
    if (kMaps && bytes >= kMappedMin) {
      mapped_memory::unmap(piece, bytes);
    } else {
      ::operator delete(piece);
    }
  }
  friend bool operator==(const MappedAllocator&, const MappedAllocator&) {
    return true;
  }
};

template <class T>
using MappedVector = std::vector<T, MappedAllocator<T>>;

}  // namespace caveat
