// Rows: one write in bytes. Layout in docs/format/row.md.
//
// A row is what the delta logs, what runs in partitions are made of, and what the plain size of a
// record ("uncompressed") means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "caveat/exception_view.h"
#include "caveat/types.h"

namespace caveat {

// Every write of the engine has one; larger is later.
using Sequence = std::uint64_t;
inline constexpr Sequence kMaxSequence = ~Sequence{0};

enum class RowKind : std::uint8_t {
  // 0 is reserved: zeroed bytes are no row
  store = 1,
  remove = 2,
  clear_node = 3,      // only key.node_id counts
  clear_property = 4,  // only key.property_hash counts
};

struct RowView {
  RowKind kind = RowKind::store;
  ExceptionView record;  // for the other kinds: the key alone
};

inline constexpr std::size_t kRowKeyBytes = 17;         // kind and key: all of most kinds
inline constexpr std::size_t kStoreRowFixedBytes = 30;  // before the values of a store row

// Bytes of the plain encoding of a record: a store row without its kind. What statistics call
// uncompressed.
[[nodiscard]] std::size_t plain_row_bytes(const ExceptionView& record) noexcept;
// Bytes that encode_row and encode_store_row append.
[[nodiscard]] std::size_t encoded_row_bytes(const RowView& row) noexcept;
[[nodiscard]] std::size_t encoded_row_bytes(const Exception& exception) noexcept;

// validate() for a view whose values were checked: confidence, source and size. -0.0 passes, as
// encoding makes it +0.0.
[[nodiscard]] Result<void> validate_view(const ExceptionView& record);

// Append one encoded row. The record must be valid (validate()).
void encode_row(const RowView& row, std::string& out);
// From an owning Exception, without a view in between.
void encode_store_row(const ExceptionKey& key, const Exception& exception, std::string& out);

// Takes one row off the front of `bytes`, checking everything: bounds, kinds, value encodings,
// source, confidence. The views point into `bytes`.
[[nodiscard]] Result<RowView> decode_row(std::string_view& bytes);

// The same for bytes that decode_row or encode_row has seen: no checks beyond assertions. `bytes`
// begins with the row and may go on after it.
[[nodiscard]] RowView decode_trusted_row(std::string_view bytes) noexcept;

}  // namespace caveat
