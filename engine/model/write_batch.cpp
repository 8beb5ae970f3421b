// A batch is its rows as they will be logged: u32 length, row, u32 length, row, ...
#include "caveat/write_batch.h"

#include <fmt/format.h>

#include "engine/model/row.h"
#include "engine/model/varint.h"

namespace caveat {
namespace {

static_assert(kMaxRecordBytes < UINT32_MAX);

Result<void> check_room(std::size_t held, std::size_t more) {
  const auto total = held + more;
  if (total <= WriteBatch::kMaxBatchBytes) return {};
  return fail(ErrorCode::limit_exceeded,
              fmt::format("batch: {} bytes with this, and the limit is {}", total,
                          WriteBatch::kMaxBatchBytes));
}

// Writes the length, with room for the row: nothing after this call can fail.
Result<void> begin_row(std::size_t row_bytes, std::string& rows) {
  CAVEAT_TRY(check_room(rows.size(), sizeof(std::uint32_t) + row_bytes));
  rows.reserve(rows.size() + sizeof(std::uint32_t) + row_bytes);
  put_fixed(static_cast<std::uint32_t>(row_bytes), rows);
  return {};
}

Result<void> append_row(const RowView& row, std::string& rows) {
  CAVEAT_TRY(begin_row(encoded_row_bytes(row), rows));
  encode_row(row, rows);
  return {};
}

}  // namespace

Result<void> WriteBatch::store_exception(const ExceptionKey& key, const Exception& exception) {
  CAVEAT_TRY(validate(exception));
  CAVEAT_TRY(begin_row(encoded_row_bytes(exception), rows_));
  encode_store_row(key, exception, rows_);
  ++count_;
  return {};
}

Result<void> WriteBatch::store_exception(const ExceptionView& view) {
  CAVEAT_TRY(validate_view(view));
  CAVEAT_TRY(append_row({RowKind::store, view}, rows_));
  ++count_;
  return {};
}

Result<void> WriteBatch::remove_exception(const ExceptionKey& key) {
  RowView row{RowKind::remove, {}};
  row.record.key = key;
  CAVEAT_TRY(append_row(row, rows_));
  ++count_;
  return {};
}

Result<void> WriteBatch::clear_node(NodeId node) {
  RowView row{RowKind::clear_node, {}};
  row.record.key.node_id = node;
  CAVEAT_TRY(append_row(row, rows_));
  ++count_;
  return {};
}

Result<void> WriteBatch::clear_property(PropertyHash property) {
  RowView row{RowKind::clear_property, {}};
  row.record.key.property_hash = property;
  CAVEAT_TRY(append_row(row, rows_));
  ++count_;
  return {};
}

Result<void> WriteBatch::append(const WriteBatch& other) {
  CAVEAT_TRY(check_room(rows_.size(), other.rows_.size()));
  rows_.append(other.rows_);
  count_ += other.count_;
  return {};
}

void WriteBatch::clear() noexcept {
  rows_.clear();
  count_ = 0;
}

}  // namespace caveat
