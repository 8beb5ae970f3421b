// Memory that was given back is made useless, so that using it shows.
//
// Builds with invariants fill it with 0xCC; AddressSanitizer is told, too, and then reports the
// access itself.
#pragma once

#include <cstddef>
#include <cstring>

#include "pool/invariant.h"

#if defined(__SANITIZE_ADDRESS__)
#define CAVEAT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAVEAT_ASAN 1
#endif
#endif
#ifdef CAVEAT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace caveat::detail {

inline constexpr unsigned char kPoisonByte = 0xCC;

#if defined(CAVEAT_INVARIANTS) || !defined(NDEBUG)
inline constexpr bool kPoison = true;
#else
inline constexpr bool kPoison = false;
#endif

inline void fill_poison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (kPoison) std::memset(memory, kPoisonByte, size);
}

inline void forbid([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
#ifdef CAVEAT_ASAN
  ASAN_POISON_MEMORY_REGION(memory, size);
#endif
}

inline void allow([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
#ifdef CAVEAT_ASAN
  ASAN_UNPOISON_MEMORY_REGION(memory, size);
#endif
}

}  // namespace caveat::detail
