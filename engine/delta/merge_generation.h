// A sealed generation as the fold wants it.
#pragma once

#include <vector>

#include "engine/delta/generation.h"

namespace caveat {

struct DeltaClear {
  RowKind kind = RowKind::clear_node;  // or clear_property
  std::uint64_t term = 0;              // node id or property hash
  Sequence sequence = 0;
};

struct FoldInput {
  // The newest row of each key, stores and removals, sorted by key. Rows that a later clear of the
  // same generation hides are left out: the clear speaks for them.
  std::vector<const DeltaRow*> rows;
  // The newest clear of each node and property, sorted by sequence. They apply to older data only,
  // never to `rows`.
  std::vector<DeltaClear> clears;
};

// The generation must be sealed, and outlive the result.
[[nodiscard]] FoldInput merge_generation(const Generation& generation);

}  // namespace caveat
