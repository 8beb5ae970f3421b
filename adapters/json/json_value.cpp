#include "adapters/json/json_value.h"

#include <fmt/format.h>

#include <iterator>

#include "adapters/json/json_text.h"
#include "caveat/types.h"
#include "engine/model/varint.h"

namespace caveat::json {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

tl::unexpected<StorageError> bad(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

void put_tag(ValueKind kind, std::string& out) {
  out += static_cast<char>(kind);
}

void put_string(std::string_view text, std::string& out) {
  put_tag(ValueKind::String, out);
  put_varint(text.size(), out);
  out += text;
}

Result<void> encode_list(const simdjson::dom::array& array, std::size_t depth, std::string& out) {
  if (depth >= kMaxValueDepth) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("lists are nested more than {} deep", kMaxValueDepth));
  }
  put_tag(ValueKind::List, out);
  const auto begin = out.size();
  for (const auto item : array) CAVEAT_TRY(encode_json_value(item, depth + 1, out));
  // The length comes first and is known last.
  std::string length;
  put_varint(out.size() - begin, length);
  out.insert(begin, length);
  return {};
}

// The text of an object with one key, or nothing.
struct Tagged {
  std::string_view tag;
  std::string_view text;
};
Result<Tagged> tagged(const element& item) {
  const simdjson::dom::object object(item);
  Tagged result;
  if (object.size() == 1) {
    const auto field = *object.begin();
    if (field.value.is_string()) {
      result = {field.key, std::string_view(field.value)};
    }
  }
  if (result.tag == "$bytes" || result.tag == "$float") return result;
  return bad("an object is no value");
}

Result<std::string> base64_of(std::string_view text) {
  auto bytes = bytes_of_base64(text);
  if (!bytes) return bad("$bytes is no base64");
  return *std::move(bytes);
}

Result<void> encode_object(const element& item, std::string& out) {
  CAVEAT_ASSIGN(const auto special, tagged(item));
  if (special.tag == "$bytes") {
    CAVEAT_ASSIGN(const auto bytes, base64_of(special.text));
    put_string(bytes, out);
    return {};
  }
  const auto value = special_float(special.text);
  if (!value)
    return bad(fmt::format("$float \"{}\" is not inf, -inf or nan:<16 hex digits>", special.text));
  put_tag(ValueKind::Float, out);
  put_fixed(*value, out);
  return {};
}

}  // namespace

void append_json_value(const ValueView& value, std::string& out) {
  switch (value.kind()) {
    case ValueKind::Null:
      out += "null";
      break;
    case ValueKind::Boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case ValueKind::Integer:
      fmt::format_to(std::back_inserter(out), "{}", value.as_integer());
      break;
    case ValueKind::Float:
      append_json_float(value.as_float(), out);
      break;
    case ValueKind::String:
      append_json_bytes(value.as_string(), out);
      break;
    case ValueKind::List: {
      out += '[';
      auto rest = value.payload();
      for (bool first = true; const auto element = ValueView::next_element(rest); first = false) {
        if (!first) out += ',';
        append_json_value(*element, out);
      }
      out += ']';
      break;
    }
  }
}

Result<void> encode_json_value(const element& item, std::size_t depth, std::string& out) {
  switch (item.type()) {
    case element_type::NULL_VALUE:
      put_tag(ValueKind::Null, out);
      return {};
    case element_type::BOOL:
      put_tag(ValueKind::Boolean, out);
      out += bool(item) ? '\1' : '\0';
      return {};
    case element_type::INT64:
      put_tag(ValueKind::Integer, out);
      put_varint(zigzag(std::int64_t(item)), out);
      return {};
    case element_type::UINT64:
      return bad(fmt::format("{} does not fit in 64 bits with a sign", std::uint64_t(item)));
    case element_type::DOUBLE:
      put_tag(ValueKind::Float, out);
      put_fixed(double(item), out);
      return {};
    case element_type::STRING:
      put_string(std::string_view(item), out);
      return {};
    case element_type::ARRAY:
      return encode_list(simdjson::dom::array(item), depth, out);
    case element_type::OBJECT:
      return encode_object(item, out);
  }
  return bad("this is no value");
}

Result<std::string_view> json_bytes(const element& item, std::string& buffer) {
  if (item.is_string()) return std::string_view(item);
  if (!item.is_object()) return bad("this is no string");
  CAVEAT_ASSIGN(const auto special, tagged(item));
  if (special.tag != "$bytes") return bad("this is no string");
  CAVEAT_ASSIGN(buffer, base64_of(special.text));
  return std::string_view(buffer);
}

}  // namespace caveat::json
