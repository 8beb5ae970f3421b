// Sizes and trusted reading of plainly encoded values (caveat/exception_view.h).
#pragma once

#include <cstddef>

#include "caveat/exception_view.h"
#include "engine/model/varint.h"

namespace caveat {

// Bytes that encode_payload and encode_value append.
[[nodiscard]] std::size_t payload_bytes(const PropertyValue& value) noexcept;
[[nodiscard]] std::size_t value_bytes(const PropertyValue& value) noexcept;
[[nodiscard]] std::size_t value_bytes(const ValueView& value) noexcept;

// Appends the plain encoding of a value that is a view.
void encode_value(const ValueView& value, std::string& out);

// Strings and lists say how long they are; the other kinds end by themselves.
[[nodiscard]] constexpr bool has_length(ValueKind kind) noexcept {
  return kind == ValueKind::String || kind == ValueKind::List;
}

// The bytes of a payload, which were checked before; takes the length in front of it, if any.
[[nodiscard]] inline std::size_t take_trusted_size(ValueKind kind, const char*& p) noexcept {
  CAVEAT_ASSERT(kind <= ValueKind::List);
  if (has_length(kind)) [[likely]]
    return take_trusted_varint(p);
  if (kind == ValueKind::Integer) {
    std::size_t size = 1;
    while ((static_cast<unsigned char>(p[size - 1]) & 0x80) != 0) ++size;
    return size;
  }
  return kind == ValueKind::Float ? 8 : static_cast<std::size_t>(kind);  // Null 0, Boolean 1
}

// Takes a value off such bytes.
[[nodiscard]] inline ValueView take_trusted_value(const char*& p) noexcept {
  const auto kind = static_cast<ValueKind>(*p++);
  const std::size_t size = take_trusted_size(kind, p);
  const char* payload = p;
  p += size;
  return {kind, {payload, size}};
}

}  // namespace caveat
