#include "engine/delta/merge_generation.h"

#include <algorithm>

#include "engine/delta/sort_rows.h"
#include "pool/invariant.h"

namespace caveat {
namespace {

void add_clears(const detail::RowTable& table, std::vector<DeltaClear>& clears) {
  table.for_each([&](const DeltaRow& row) {
    const bool node = row.kind == RowKind::clear_node;
    clears.push_back({row.kind, node ? row.key.node_id : row.key.property_hash, row.sequence});
  });
}

}  // namespace

FoldInput merge_generation(const Generation& generation) {
  CAVEAT_ASSERT(generation.sealed());
  FoldInput input;
  input.rows.reserve(generation.distinct_keys());
  if (generation.has_clears()) {
    generation.by_key().for_each([&](const DeltaRow& row) {
      if (generation.cleared(row.key, kMaxSequence) < row.sequence) input.rows.push_back(&row);
    });
  } else {
    generation.by_key().for_each([&](const DeltaRow& row) { input.rows.push_back(&row); });
  }
  detail::sort_rows_by_key(input.rows);

  add_clears(generation.clears_of_node(), input.clears);
  add_clears(generation.clears_of_property(), input.clears);
  std::sort(input.clears.begin(), input.clears.end(),
            [](const DeltaClear& a, const DeltaClear& b) { return a.sequence < b.sequence; });
  return input;
}

}  // namespace caveat
