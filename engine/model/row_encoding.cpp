// Writes to bytes:
//
//   0  kind        u8
//   1  node        u64
//   9  property    u64   hash
//  ---- a row of another kind than store ends here; what does not count of its key is zero
//  17  source      u8
//  18  confidence  f32   never NaN, never -0.0
//  22  created_at  i64   nanoseconds
//  30  inherited   value
//      actual      value
//      reason      varint length, bytes
#include <cstring>

#include "engine/model/row.h"
#include "engine/model/value_encoding.h"

namespace caveat {
namespace {

static_assert(kRowKeyBytes == 1 + 8 + 8);
static_assert(kStoreRowFixedBytes == kRowKeyBytes + 1 + 4 + 8);

template <class T>
void store_fixed(T value, char* to) noexcept {
  std::memcpy(to, &value, sizeof(value));
}

void put_key(RowKind kind, const ExceptionKey& key, std::string& out) {
  char bytes[kRowKeyBytes];
  bytes[0] = static_cast<char>(kind);
  store_fixed(kind == RowKind::clear_property ? NodeId{0} : key.node_id, bytes + 1);
  store_fixed(kind == RowKind::clear_node ? PropertyHash{0} : key.property_hash, bytes + 9);
  out.append(bytes, sizeof(bytes));
}

// All of a store row that has a fixed width, in one append: one by one they cost more than the
// values.
void put_fixed_fields(const ExceptionKey& key, ExceptionSource source, float confidence,
                      std::int64_t created_at, std::string& out) {
  char bytes[kStoreRowFixedBytes];
  bytes[0] = static_cast<char>(RowKind::store);
  store_fixed(key.node_id, bytes + 1);
  store_fixed(key.property_hash, bytes + 9);
  bytes[17] = static_cast<char>(source);
  store_fixed(confidence + 0.0F, bytes + 18);  // -0.0 becomes +0.0
  store_fixed(created_at, bytes + 22);
  out.append(bytes, sizeof(bytes));
}

void put_reason(std::string_view reason, std::string& out) {
  put_varint(reason.size(), out);
  out.append(reason);
}

}  // namespace

std::size_t plain_row_bytes(const ExceptionView& record) noexcept {
  return kStoreRowFixedBytes - 1 + value_bytes(record.inherited_value) +
         value_bytes(record.actual_value) + varint_bytes(record.reason.size()) +
         record.reason.size();
}

std::size_t encoded_row_bytes(const RowView& row) noexcept {
  return row.kind == RowKind::store ? 1 + plain_row_bytes(row.record) : kRowKeyBytes;
}

std::size_t encoded_row_bytes(const Exception& exception) noexcept {
  return kStoreRowFixedBytes + value_bytes(exception.inherited_value) +
         value_bytes(exception.actual_value) + varint_bytes(exception.reason.size()) +
         exception.reason.size();
}

void encode_row(const RowView& row, std::string& out) {
  if (row.kind != RowKind::store) return put_key(row.kind, row.record.key, out);
  const auto& record = row.record;
  put_fixed_fields(record.key, record.source, record.confidence, record.created_at, out);
  encode_value(record.inherited_value, out);
  encode_value(record.actual_value, out);
  put_reason(record.reason, out);
}

void encode_store_row(const ExceptionKey& key, const Exception& exception, std::string& out) {
  put_fixed_fields(key, exception.source, exception.confidence, exception.created_at, out);
  encode_value(exception.inherited_value, out);
  encode_value(exception.actual_value, out);
  put_reason(exception.reason, out);
}

}  // namespace caveat
