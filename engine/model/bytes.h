// Little-endian fixed fields in values, big-endian in keys.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace caveat {

static_assert(std::endian::native == std::endian::little,
              "the formats are little-endian; a big-endian port swaps here");

template <class T>
void put_fixed(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <class T>
void set_fixed(std::string& out, std::size_t offset, T value) {
  std::memcpy(out.data() + offset, &value, sizeof(T));
}

template <class T>
[[nodiscard]] T get_fixed(std::string_view bytes, std::size_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Takes a field off the front; false where the bytes end.
template <class T>
[[nodiscard]] bool take_fixed(std::string_view& bytes, T& value) noexcept {
  if (bytes.size() < sizeof(T)) return false;
  value = get_fixed<T>(bytes, 0);
  bytes.remove_prefix(sizeof(T));
  return true;
}

inline void put_big_endian(std::string& out, std::uint64_t value) {
  put_fixed(out, __builtin_bswap64(value));
}
[[nodiscard]] inline std::uint64_t get_big_endian(std::string_view bytes,
                                                  std::size_t offset) noexcept {
  return __builtin_bswap64(get_fixed<std::uint64_t>(bytes, offset));
}

}  // namespace caveat
