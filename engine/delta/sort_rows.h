// Sorting many rows by key.
#pragma once

#include <vector>

#include "engine/delta/delta_row.h"

namespace caveat::detail {

// Keys must be distinct.
void sort_rows_by_key(std::vector<const DeltaRow*>& rows);

}  // namespace caveat::detail
