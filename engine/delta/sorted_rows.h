// What a fold asks first of a sealed generation: its rows by key, and which properties they name.
#pragma once

#include <vector>

#include "caveat/types.h"
#include "engine/delta/row_table.h"
#include "engine/delta/sort_rows.h"

namespace caveat::detail {

struct SortedRows {
  // The newest version of each key, by key; what clears hide is in it.
  std::vector<KeyedRow> rows;
  // Of all records among them, each once, in no order.
  std::vector<PropertyHash> properties;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return rows.capacity() * sizeof(KeyedRow) + properties.capacity() * sizeof(PropertyHash);
  }
};

[[nodiscard]] SortedRows sorted_rows(const RowTable& newest_by_key);

}  // namespace caveat::detail
