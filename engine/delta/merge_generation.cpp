#include "engine/delta/merge_generation.h"

#include <algorithm>

#include "engine/delta/sort_rows.h"
#include "pool/invariant.h"

namespace caveat {
namespace {

using detail::KeyedRow;

void add_clears(const detail::RowTable& table, std::vector<DeltaClear>& clears) {
  table.for_each([&](const DeltaRow& row) {
    const bool node = row.kind == RowKind::clear_node;
    clears.push_back({row.kind, node ? row.key.node_id : row.key.property_hash, row.sequence});
  });
}

// The generation's newest rows that neither it nor a younger one clears, sorted by key.
std::vector<KeyedRow> live_rows(const Generation& generation,
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
  std::vector<KeyedRow> rows;
  rows.reserve(generation.distinct_keys());
  generation.by_key().for_each([&](const DeltaRow& row) {
    if (clearing.empty() || !cleared(row)) rows.push_back({row.key, &row});
  });
  detail::sort_rows_by_key(rows);
  return rows;
}

// Of equal keys the first list's, which is the youngest.
void merge_lists(std::span<const std::vector<KeyedRow>> lists,
                 std::vector<const DeltaRow*>& merged) {
  struct Head {
    const KeyedRow* at;
    const KeyedRow* end;
  };
  std::vector<Head> heads;  // youngest first; few
  std::size_t total = 0;
  for (const auto& list : lists) {
    total += list.size();
    if (!list.empty()) heads.push_back({list.data(), list.data() + list.size()});
  }
  merged.reserve(total);
  while (!heads.empty()) {
    const ExceptionKey least =
        std::min_element(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
          return a.at->key < b.at->key;
        })->at->key;
    bool taken = false;
    bool ended = false;
    for (Head& head : heads) {
      if (!(head.at->key == least)) continue;
      if (!taken) merged.push_back(head.at->row);
      taken = true;
      ended = ++head.at == head.end || ended;
    }
    if (ended) std::erase_if(heads, [](const Head& head) { return head.at == head.end; });
  }
}

}  // namespace

FoldInput merge_generations(std::span<const std::shared_ptr<const Generation>> youngest_first,
                            WorkerPool& workers) {
  FoldInput input;
  std::vector<std::vector<KeyedRow>> sorted(youngest_first.size());
  workers.parallel_for(sorted.size(), [&](std::size_t i) {
    CAVEAT_ASSERT(youngest_first[i]->sealed());
    sorted[i] = live_rows(*youngest_first[i], youngest_first.first(i));
  });
  merge_lists(sorted, input.rows);
  for (const auto& generation : youngest_first) {
    add_clears(generation->clears_of_node(), input.clears);
    add_clears(generation->clears_of_property(), input.clears);
  }
  std::sort(input.clears.begin(), input.clears.end(),
            [](const DeltaClear& a, const DeltaClear& b) { return a.sequence < b.sequence; });
  return input;
}

}  // namespace caveat
