#include "engine/delta/sort_rows.h"

#include <algorithm>

namespace caveat::detail {
namespace {

constexpr std::size_t kFew = 32;

}  // namespace

void sort_rows_by_key(std::vector<const DeltaRow*>& rows) {
  if (rows.size() <= kFew) {
    std::sort(rows.begin(), rows.end(),
              [](const DeltaRow* a, const DeltaRow* b) { return a->key < b->key; });
    return;
  }
  std::vector<KeyedRow> entries;
  entries.reserve(rows.size());
  for (const DeltaRow* row : rows) entries.push_back({row->key, row});
  sort_rows_by_key(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) rows[i] = entries[i].row;
}

void sort_rows_by_key(std::vector<KeyedRow>& rows) {
  const auto below = [](const KeyedRow& a, const KeyedRow& b) {
    return a.key.node_id != b.key.node_id ? a.key.node_id < b.key.node_id
                                          : a.key.property_hash < b.key.property_hash;
  };
  if (!std::is_sorted(rows.begin(), rows.end(), below)) {
    std::sort(rows.begin(), rows.end(), below);
  }
}

}  // namespace caveat::detail
