// Sorting many rows by key.
#pragma once

#include <vector>

#include "engine/delta/delta_row.h"

namespace caveat::detail {

// The key beside the pointer: comparing rows in place would miss the cache at every step.
struct KeyedRow {
  ExceptionKey key;
  const DeltaRow* row = nullptr;
};

// Keys must be distinct.
void sort_rows_by_key(std::vector<const DeltaRow*>& rows);
void sort_rows_by_key(std::vector<KeyedRow>& rows);

}  // namespace caveat::detail
