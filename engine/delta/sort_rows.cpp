#include "engine/delta/sort_rows.h"

#include <algorithm>

namespace caveat::detail {
namespace {

// The key beside the pointer: comparing rows in place would miss the cache at every step.
struct Entry {
  ExceptionKey key;
  const DeltaRow* row;
};

constexpr std::size_t kFew = 32;

}  // namespace

void sort_rows_by_key(std::vector<const DeltaRow*>& rows) {
  if (rows.size() <= kFew) {
    std::sort(rows.begin(), rows.end(),
              [](const DeltaRow* a, const DeltaRow* b) { return a->key < b->key; });
    return;
  }
  std::vector<Entry> entries;
  entries.reserve(rows.size());
  bool sorted = true;
  for (const DeltaRow* row : rows) {
    sorted = sorted && (entries.empty() || entries.back().key < row->key);
    entries.push_back({row->key, row});
  }
  if (sorted) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.key.node_id != b.key.node_id ? a.key.node_id < b.key.node_id
                                          : a.key.property_hash < b.key.property_hash;
  });
  for (std::size_t i = 0; i < entries.size(); ++i) rows[i] = entries[i].row;
}

}  // namespace caveat::detail
