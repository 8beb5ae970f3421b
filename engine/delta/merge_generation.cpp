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

// A generation's newest rows that neither it nor a younger one clears, by key.
struct LiveRows {
  std::span<const KeyedRow> rows;
  std::vector<KeyedRow> kept;  // what `rows` are, where some are cleared
};

LiveRows live_rows(const Generation& generation,
                   std::span<const std::shared_ptr<const Generation>> younger) {
  std::vector<const Generation*> clearing;
  for (const auto& other : younger) {
    if (other->has_clears()) clearing.push_back(other.get());
  }
  if (generation.has_clears()) clearing.push_back(&generation);
  LiveRows live;
  live.rows = generation.sorted().rows;
  if (clearing.empty()) return live;
  live.kept.reserve(live.rows.size());
  for (const KeyedRow& keyed : live.rows) {
    const bool cleared = std::any_of(clearing.begin(), clearing.end(), [&](const Generation* by) {
      return by->cleared(keyed.key, kMaxSequence) > keyed.row->sequence;
    });
    if (!cleared) live.kept.push_back(keyed);
  }
  live.rows = live.kept;
  return live;
}

// Of equal keys the first list's, which is the youngest.
void merge_lists(std::span<const LiveRows> lists, MappedVector<const DeltaRow*>& merged) {
  struct Head {
    const KeyedRow* at;
    const KeyedRow* end;
  };
  std::vector<Head> heads;  // youngest first; few
  std::size_t total = 0;
  for (const auto& list : lists) {
    total += list.rows.size();
    if (!list.rows.empty())
      heads.push_back({list.rows.data(), list.rows.data() + list.rows.size()});
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
  std::vector<LiveRows> live(youngest_first.size());
  workers.parallel_for(live.size(), [&](std::size_t i) {
    CAVEAT_ASSERT(youngest_first[i]->sealed());
    live[i] = live_rows(*youngest_first[i], youngest_first.first(i));
  });
  merge_lists(live, input.rows);
  for (const auto& generation : youngest_first) {
    const auto& properties = generation->sorted().properties;
    input.properties.insert(input.properties.end(), properties.begin(), properties.end());
    add_clears(generation->clears_of_node(), input.clears);
    add_clears(generation->clears_of_property(), input.clears);
  }
  std::sort(input.clears.begin(), input.clears.end(),
            [](const DeltaClear& a, const DeltaClear& b) { return a.sequence < b.sequence; });
  return input;
}

}  // namespace caveat
