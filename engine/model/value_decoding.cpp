// Values from bytes that nobody has checked.
#include <fmt/format.h>

#include "engine/model/value_encoding.h"

namespace caveat {
namespace {

// What is wrong with a value, or null. `depth` counts the lists around it.
using Fault = const char*;

Fault take_value(std::string_view& bytes, std::size_t depth, ValueView& value);

Fault check_list(std::string_view elements, std::size_t depth) {
  if (depth >= kMaxValueDepth) return "lists are nested too deep";
  while (!elements.empty()) {
    ValueView element;
    if (Fault fault = take_value(elements, depth + 1, element)) return fault;
  }
  return nullptr;
}

Fault check_payload(std::uint8_t tag, std::string_view payload, std::size_t depth) {
  if (tag > static_cast<std::uint8_t>(ValueKind::List)) return "the tag is unknown";
  switch (static_cast<ValueKind>(tag)) {
    case ValueKind::Null:
      return payload.empty() ? nullptr : "a null has a payload";
    case ValueKind::Boolean:
      return payload.size() == 1 && (payload[0] == 0 || payload[0] == 1)
                 ? nullptr
                 : "a boolean is neither 0 nor 1";
    case ValueKind::Integer: {
      std::uint64_t ignored = 0;
      return take_varint(payload, ignored) && payload.empty() ? nullptr : "an integer is malformed";
    }
    case ValueKind::Float:
      return payload.size() == sizeof(double) ? nullptr : "a float has not 8 bytes";
    case ValueKind::String:
      return nullptr;
    case ValueKind::List:
      return check_list(payload, depth);
  }
  return nullptr;
}

// Bytes of the payload of a value whose tag has been taken; takes the length if there is one.
Fault payload_size(ValueKind kind, std::string_view& bytes, std::size_t& size) {
  std::uint64_t length = 0;
  switch (kind) {
    case ValueKind::Null:
      size = 0;
      break;
    case ValueKind::Boolean:
      size = 1;
      break;
    case ValueKind::Float:
      size = sizeof(double);
      break;
    case ValueKind::Integer: {
      auto rest = bytes;
      if (!take_varint(rest, length)) return "an integer is malformed";
      size = bytes.size() - rest.size();
      break;
    }
    case ValueKind::String:
    case ValueKind::List:
      if (!take_varint(bytes, length)) return "a length is malformed";
      if (length > bytes.size()) return "a length reaches beyond the end";
      size = static_cast<std::size_t>(length);
      break;
  }
  return size <= bytes.size() ? nullptr : "the bytes end in the middle of it";
}

Fault take_value(std::string_view& bytes, std::size_t depth, ValueView& value) {
  if (bytes.empty()) return "the tag is missing";
  const auto tag = static_cast<std::uint8_t>(bytes[0]);
  if (tag > static_cast<std::uint8_t>(ValueKind::List)) return "the tag is unknown";
  bytes.remove_prefix(1);
  std::size_t size = 0;
  if (Fault fault = payload_size(static_cast<ValueKind>(tag), bytes, size)) return fault;
  const auto payload = bytes.substr(0, size);
  bytes.remove_prefix(size);
  value = ValueView(static_cast<ValueKind>(tag), payload);
  return check_payload(tag, payload, depth);
}

}  // namespace

Result<ValueView> decode_value(std::string_view& bytes) {
  ValueView value;
  if (Fault fault = take_value(bytes, 0, value)) {
    return fail(ErrorCode::corruption, fmt::format("value: {}", fault));
  }
  return value;
}

Result<ValueView> checked_value(std::uint8_t tag, std::string_view payload) {
  if (Fault fault = check_payload(tag, payload, 0)) {
    return fail(ErrorCode::corruption, fmt::format("value with tag {}: {}", tag, fault));
  }
  return ValueView(static_cast<ValueKind>(tag), payload);
}

}  // namespace caveat
