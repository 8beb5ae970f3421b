// Structs that begin with their size: what callers of an older or a newer header give and get.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "adapters/c/error_object.h"

namespace caveat::c {

// Nobody's struct is larger: a size beyond it was never set.
inline constexpr std::size_t kSizedStructMax = 4096;

template <class T>
[[nodiscard]] Result<void> check_size(const T* given, std::size_t first_bytes, const char* name) {
  if (given->size >= first_bytes && given->size <= kSizedStructMax) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}.size: {} is no size of this struct; set it to sizeof({})", name,
                          given->size, name));
}

// What the caller says, and 0 for what his header does not know. `first_bytes`: of the struct as
// the first version had it.
template <class T>
[[nodiscard]] Result<T> read_sized(const T* given, std::size_t first_bytes, const char* name) {
  CAVEAT_TRY(need(given, name));
  CAVEAT_TRY(check_size(given, first_bytes, name));
  T taken{};
  std::memcpy(&taken, given, std::min(given->size, sizeof(T)));
  const auto* const bytes = reinterpret_cast<const char*>(given);
  for (std::size_t i = sizeof(T); i < given->size; ++i) {
    if (bytes[i] == 0) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: byte {} asks for what this version, {}, does not know", name, i,
                            caveat_version()));
  }
  return taken;
}

// Fills as much as the caller has room for, and the rest of his room with 0.
template <class T>
void write_sized(const T& made, T* out) {
  const auto size = out->size;
  std::memset(out, 0, size);
  std::memcpy(out, &made, std::min(size, sizeof(T)));
  out->size = size;
}

}  // namespace caveat::c
