// Sealed generations as the fold wants them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/delta/generation.h"
#include "pool/mapped_memory.h"
#include "pool/worker_pool.h"

namespace caveat {

struct DeltaClear {
  RowKind kind = RowKind::clear_node;  // or clear_property
  std::uint64_t term = 0;              // node id or property hash
  Sequence sequence = 0;
};

struct FoldInput {
  // The newest row of each key, stores and removals, sorted by key. Rows that a later clear hides
  // are left out: the clear speaks for them.
  MappedVector<const DeltaRow*> rows;
  // All properties of records among them, and perhaps of some that newer rows hide; they repeat.
  std::vector<PropertyHash> properties;
  // The newest clear that each generation has of each node and property, sorted by sequence. They
  // apply to older data only, never to `rows`.
  std::vector<DeltaClear> clears;
};

// Youngest first; all sealed; they must outlive the result. Of several at once each key is folded
// once, which is what makes a fold of a long backlog cheap.
[[nodiscard]] FoldInput merge_generations(
    std::span<const std::shared_ptr<const Generation>> youngest_first, WorkerPool& workers);

}  // namespace caveat
