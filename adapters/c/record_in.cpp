#include "adapters/c/record_in.h"

#include <fmt/format.h>

#include <cstring>

#include "adapters/c/error_object.h"
#include "engine/model/varint.h"

namespace caveat::c {
namespace {

Result<void> too_large(std::string_view field) {
  return fail(ErrorCode::limit_exceeded,
              fmt::format("{}: is more than a record may hold, {} bytes", field, kMaxRecordBytes));
}

// Appends the plain encoding. Ends at the limits, whatever the caller's pointers lead to: lists may
// share their items, or hold themselves.
Result<void> encode(const caveat_value& value, std::size_t depth, const char* field,
                    std::string& out) {
  if (out.size() > kMaxRecordBytes) return too_large(field);
  out.push_back(static_cast<char>(value.kind));
  switch (value.kind) {
    case CAVEAT_NULL:
      return {};
    case CAVEAT_BOOLEAN:
      out.push_back(value.as.boolean != 0 ? '\1' : '\0');
      return {};
    case CAVEAT_INTEGER:
      put_varint(zigzag(value.as.integer), out);
      return {};
    case CAVEAT_FLOAT:
      put_fixed(value.as.number, out);
      return {};
    case CAVEAT_STRING: {
      CAVEAT_ASSIGN(const auto text, text_of(value.as.string.data, value.as.string.size, field));
      if (text.size() > kMaxRecordBytes) return too_large(field);
      put_varint(text.size(), out);
      out.append(text);
      return {};
    }
    case CAVEAT_LIST: {
      if (depth == kMaxValueDepth) {
        return fail(ErrorCode::limit_exceeded,
                    fmt::format("{}: lists are nested more than {} deep", field, kMaxValueDepth));
      }
      const auto& list = value.as.list;
      CAVEAT_TRY(check_array(list.items, list.count, sizeof(caveat_value), field));
      if (list.count > kMaxRecordBytes) return too_large(field);
      const auto begin = out.size();
      for (std::size_t i = 0; i < list.count; ++i) {
        CAVEAT_TRY(encode(list.items[i], depth + 1, field, out));
      }
      std::string length;
      put_varint(out.size() - begin, length);
      out.insert(begin, length);
      return {};
    }
    default:
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: {} is no kind of value", field, value.kind));
  }
}

}  // namespace

std::string_view RecordIn::keep(std::string_view bytes) {
  auto* const place = static_cast<char*>(numbers_.allocate(bytes.size(), 1));
  std::memcpy(place, bytes.data(), bytes.size());
  return {place, bytes.size()};
}

Result<ValueView> RecordIn::value(const caveat_value& value, const char* field) {
  switch (value.kind) {
    case CAVEAT_NULL:
      return ValueView();
    case CAVEAT_BOOLEAN:
      return ValueView(ValueKind::Boolean,
                       std::string_view(value.as.boolean != 0 ? "\1" : "\0", 1));
    case CAVEAT_STRING: {
      CAVEAT_ASSIGN(const auto text, text_of(value.as.string.data, value.as.string.size, field));
      if (text.size() > kMaxRecordBytes) return fail(too_large(field).error());
      return ValueView(ValueKind::String, text);
    }
    default: {
      std::string encoded;
      CAVEAT_TRY(encode(value, 0, field, encoded));
      const auto kind = static_cast<ValueKind>(value.kind);
      if (kind != ValueKind::List)
        return ValueView(kind, keep(std::string_view(encoded).substr(1)));
      // Behind the tag and the length.
      std::string_view rest = lists_.emplace_front(std::move(encoded));
      CAVEAT_ASSIGN(const auto checked, decode_value(rest));
      return checked;
    }
  }
}

Result<ExceptionView> RecordIn::view(const caveat_record& record) {
  ExceptionView view;
  view.key = {record.key.node, record.key.property};
  CAVEAT_ASSIGN(view.inherited_value, value(record.inherited, "inherited"));
  CAVEAT_ASSIGN(view.actual_value, value(record.actual, "actual"));
  CAVEAT_ASSIGN(view.reason, text_of(record.reason.data, record.reason.size, "reason"));
  view.created_at = record.created_at_ns;
  view.confidence = record.confidence;
  if (record.source < CAVEAT_EXPLICIT || record.source > CAVEAT_IMPORTED) {
    return fail(ErrorCode::invalid_argument, fmt::format("source: {} is no source", record.source));
  }
  view.source = static_cast<ExceptionSource>(record.source);
  return view;
}

Result<ExceptionView> RecordIn::view(const caveat_record* record) {
  CAVEAT_TRY(need(record, "record"));
  return view(*record);
}

Result<std::string_view> text_of(const char* data, std::size_t size, const char* name) {
  if (data == nullptr && size != 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: is NULL, and its size is {}", name, size));
  }
  if (size > PTRDIFF_MAX) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: its size is {}, more than memory can hold; count its bytes", name, size));
  }
  return std::string_view(data, size);
}

Result<void> check_array(const void* first, std::size_t count, std::size_t size, const char* name) {
  if (count == 0) return {};
  if (first == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: is NULL, and its count is {}", name, count));
  }
  if (count > static_cast<std::size_t>(PTRDIFF_MAX) / size) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: {} of them are more than memory can hold", name, count));
  }
  return {};
}

}  // namespace caveat::c
