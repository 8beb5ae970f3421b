// Values to bytes. The layout is in docs/format/row.md:
//
//   Null     00
//   Boolean  01  00 or 01
//   Integer  02  zigzag varint
//   Float    03  IEEE 754 binary64, 8 bytes
//   String   04  varint length, bytes
//   List     05  varint length in bytes, elements one after the other
#include "engine/model/value_encoding.h"

namespace caveat {

std::size_t payload_bytes(const PropertyValue& value) noexcept {
  switch (value.kind()) {
    case ValueKind::Null:
      return 0;
    case ValueKind::Boolean:
      return 1;
    case ValueKind::Integer:
      return varint_bytes(zigzag(*value.as_integer()));
    case ValueKind::Float:
      return sizeof(double);
    case ValueKind::String:
      return value.as_string()->size();
    case ValueKind::List: {
      std::size_t bytes = 0;
      for (const auto& element : *value.as_list()) bytes += value_bytes(element);
      return bytes;
    }
  }
  return 0;
}

std::size_t value_bytes(const PropertyValue& value) noexcept {
  const auto payload = payload_bytes(value);
  return 1 + (has_length(value.kind()) ? varint_bytes(payload) : 0) + payload;
}

std::size_t value_bytes(const ValueView& value) noexcept {
  const auto payload = value.payload().size();
  return 1 + (has_length(value.kind()) ? varint_bytes(payload) : 0) + payload;
}

void encode_payload(const PropertyValue& value, std::string& out) {
  switch (value.kind()) {
    case ValueKind::Null:
      break;
    case ValueKind::Boolean:
      out.push_back(*value.as_boolean() ? '\1' : '\0');
      break;
    case ValueKind::Integer:
      put_varint(zigzag(*value.as_integer()), out);
      break;
    case ValueKind::Float:
      put_fixed(*value.as_float(), out);
      break;
    case ValueKind::String:
      out.append(*value.as_string());
      break;
    case ValueKind::List:
      for (const auto& element : *value.as_list()) encode_value(element, out);
      break;
  }
}

void encode_value(const PropertyValue& value, std::string& out) {
  out.push_back(static_cast<char>(value.kind()));
  // Sizes are counted anew at each level of a list: at most kMaxValueDepth times.
  if (has_length(value.kind())) put_varint(payload_bytes(value), out);
  encode_payload(value, out);
}

void encode_value(const ValueView& value, std::string& out) {
  out.push_back(static_cast<char>(value.kind()));
  if (has_length(value.kind())) put_varint(value.payload().size(), out);
  out.append(value.payload());
}

}  // namespace caveat
