// One recent write, as it lies on a generation's arena.
//
// A row never changes once it is linked, so readers need no lock. What queries filter by is kept
// beside the encoded bytes: a condition is checked without decoding anything.
#pragma once

#include <cstdint>
#include <string_view>

#include "caveat/exception_view.h"
#include "caveat/types.h"
#include "engine/model/row.h"

namespace caveat {

// One cache line, then `length` bytes of the encoded row.
struct DeltaRow {
  Sequence sequence;
  ExceptionKey key;
  std::int64_t created_at;  // store rows; else 0
  float confidence;         // store rows; else 0
  std::uint32_t length;
  // The version of the same key before this one in the same generation, or null.
  const DeltaRow* older;
  // With an older version (depth > 0): a far older one, so that finding the version of an old
  // ceiling takes logarithmic steps. Without: the first version of another key of the same node.
  const DeltaRow* link;
  std::uint32_t depth;  // versions below this one
  RowKind kind;
  ExceptionSource source;

  [[nodiscard]] std::string_view encoded() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), length};
  }
  // The record of a store row; only the key of others. Decodes, without checks.
  [[nodiscard]] ExceptionView view() const noexcept { return decode_trusted_row(encoded()).record; }
};
static_assert(sizeof(DeltaRow) == 64);

// The newest version with a sequence of at most `ceiling`, from `newest` (may be null) down.
[[nodiscard]] inline const DeltaRow* newest_visible(const DeltaRow* newest,
                                                    Sequence ceiling) noexcept {
  const DeltaRow* row = newest;
  while (row != nullptr && row->sequence > ceiling) [[unlikely]] {
      const bool far = row->depth != 0 && row->link->sequence > ceiling;
      row = far ? row->link : row->older;
    }
  return row;
}

}  // namespace caveat
