#include "engine/delta/merge_generation.h"

#include <algorithm>
#include <iterator>

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

// The generation's newest rows that neither it nor a younger one clears, sorted by key.
std::vector<const DeltaRow*> live_rows(const Generation& generation,
                                       std::span<const std::shared_ptr<const Generation>> younger) {
  std::vector<const Generation*> clearing;
  for (const auto& other : younger) {
    if (other->has_clears()) clearing.push_back(other.get());
  }
  if (generation.has_clears()) clearing.push_back(&generation);
  const auto cleared = [&](const DeltaRow& row) {
    return std::any_of(clearing.begin(), clearing.end(), [&](const Generation* by) {
      return by->cleared(row.key, kMaxSequence) > row.sequence;
    });
  };
  std::vector<const DeltaRow*> rows;
  rows.reserve(generation.distinct_keys());
  generation.by_key().for_each([&](const DeltaRow& row) {
    if (clearing.empty() || !cleared(row)) rows.push_back(&row);
  });
  detail::sort_rows_by_key(rows);
  return rows;
}

}  // namespace

FoldInput merge_generations(std::span<const std::shared_ptr<const Generation>> youngest_first,
                            WorkerPool& workers) {
  FoldInput input;
  std::vector<std::vector<const DeltaRow*>> sorted(youngest_first.size());
  workers.parallel_for(sorted.size(), [&](std::size_t i) {
    sorted[i] = live_rows(*youngest_first[i], youngest_first.first(i));
  });
  for (std::size_t i = 0; i < youngest_first.size(); ++i) {
    const Generation& generation = *youngest_first[i];
    CAVEAT_ASSERT(generation.sealed());
    std::vector<const DeltaRow*> rows = std::move(sorted[i]);
    if (input.rows.empty()) {
      input.rows = std::move(rows);
    } else if (!rows.empty()) {
      // Of equal keys the union takes the first range's, which is the younger.
      std::vector<const DeltaRow*> both;
      both.reserve(input.rows.size() + rows.size());
      std::set_union(input.rows.begin(), input.rows.end(), rows.begin(), rows.end(),
                     std::back_inserter(both),
                     [](const DeltaRow* a, const DeltaRow* b) { return a->key < b->key; });
      input.rows = std::move(both);
    }
    add_clears(generation.clears_of_node(), input.clears);
    add_clears(generation.clears_of_property(), input.clears);
  }
  std::sort(input.clears.begin(), input.clears.end(),
            [](const DeltaClear& a, const DeltaClear& b) { return a.sequence < b.sequence; });
  return input;
}

}  // namespace caveat
