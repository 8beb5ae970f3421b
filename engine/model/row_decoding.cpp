// Rows from bytes, checked and trusted. The layout is drawn in row_encoding.cpp.
#include <fmt/format.h>

#include <bit>

#include "engine/model/row.h"
#include "engine/model/value_encoding.h"

namespace caveat {
namespace {

tl::unexpected<StorageError> corrupt(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("row: {}", what));
}

Result<ExceptionKey> checked_key(RowKind kind, const char* p) {
  const ExceptionKey key{load_fixed<std::uint64_t>(p + 1), load_fixed<std::uint64_t>(p + 9)};
  if (kind == RowKind::clear_node && key.property_hash != 0) {
    return corrupt("clear_node with a property");
  }
  if (kind == RowKind::clear_property && key.node_id != 0) {
    return corrupt("clear_property with a node");
  }
  return key;
}

Result<void> check_scalars(const char* p) {
  if (static_cast<std::uint8_t>(p[17]) >= kExceptionSourceCount) return corrupt("unknown source");
  const auto confidence = load_fixed<float>(p + 18);
  if (!(confidence >= 0.0F && confidence <= 1.0F)) return corrupt("confidence not in [0, 1]");
  // Bits, since -0.0 compares equal to 0.0.
  if ((std::bit_cast<std::uint32_t>(confidence) >> 31) != 0) return corrupt("confidence is -0.0");
  return {};
}

void load_scalars(const char* p, ExceptionView& record) noexcept {
  record.source = static_cast<ExceptionSource>(p[17]);
  record.confidence = load_fixed<float>(p + 18);
  record.created_at = load_fixed<std::int64_t>(p + 22);
}

Result<void> decode_variable(std::string_view& rest, ExceptionView& record) {
  auto inherited = decode_value(rest);
  if (!inherited) return fail(inherited.error().within("row: inherited"));
  auto actual = decode_value(rest);
  if (!actual) return fail(actual.error().within("row: actual"));
  std::uint64_t length = 0;
  if (!take_varint(rest, length)) return corrupt("the reason's length is malformed");
  if (length > rest.size()) return corrupt("the reason reaches beyond the end");
  record.inherited_value = *inherited;
  record.actual_value = *actual;
  record.reason = rest.substr(0, static_cast<std::size_t>(length));
  rest.remove_prefix(record.reason.size());
  return {};
}

}  // namespace

Result<RowView> decode_row(std::string_view& bytes) {
  if (bytes.size() < kRowKeyBytes) return corrupt("shorter than a key");
  const auto kind = static_cast<std::uint8_t>(bytes[0]);
  if (kind < static_cast<std::uint8_t>(RowKind::store) ||
      kind > static_cast<std::uint8_t>(RowKind::clear_property)) {
    return corrupt(fmt::format("unknown kind {}", kind));
  }
  RowView row;
  row.kind = static_cast<RowKind>(kind);
  CAVEAT_ASSIGN(row.record.key, checked_key(row.kind, bytes.data()));
  if (row.kind != RowKind::store) {
    bytes.remove_prefix(kRowKeyBytes);
    return row;
  }
  if (bytes.size() < kStoreRowFixedBytes) return corrupt("shorter than its fixed fields");
  CAVEAT_TRY(check_scalars(bytes.data()));
  load_scalars(bytes.data(), row.record);
  auto rest = bytes.substr(kStoreRowFixedBytes);
  CAVEAT_TRY(decode_variable(rest, row.record));
  if (bytes.size() - rest.size() > kMaxRecordBytes) return corrupt("longer than a record may be");
  bytes = rest;
  return row;
}

RowView decode_trusted_row(std::string_view bytes) noexcept {
  CAVEAT_ASSERT(bytes.size() >= kRowKeyBytes);
  const char* p = bytes.data();
  RowView row;
  row.kind = static_cast<RowKind>(*p);
  row.record.key = {load_fixed<std::uint64_t>(p + 1), load_fixed<std::uint64_t>(p + 9)};
  if (row.kind != RowKind::store) [[unlikely]]
    return row;

  CAVEAT_ASSERT(bytes.size() > kStoreRowFixedBytes);
  load_scalars(p, row.record);
  p += kStoreRowFixedBytes;
  row.record.inherited_value = take_trusted_value(p);
  row.record.actual_value = take_trusted_value(p);
  const auto length = static_cast<std::size_t>(take_trusted_varint(p));
  row.record.reason = {p, length};
  CAVEAT_ASSERT(p + length <= bytes.data() + bytes.size());
  return row;
}

}  // namespace caveat
