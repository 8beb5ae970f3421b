#include "engine/delta/sorted_rows.h"

#include <algorithm>

namespace caveat::detail {
namespace {

// Gathers hashes, passing over most repeats: of those that share a slot the latest is remembered.
class PropertyGatherer {
 public:
  void add(PropertyHash hash) {
    PropertyHash& latest = latest_[hash % kSlots];
    if (latest == hash && hash != 0) return;
    latest = hash;
    gathered_.push_back(hash);
  }
  [[nodiscard]] std::vector<PropertyHash> distinct() && {
    std::sort(gathered_.begin(), gathered_.end());
    gathered_.erase(std::unique(gathered_.begin(), gathered_.end()), gathered_.end());
    gathered_.shrink_to_fit();
    return std::move(gathered_);
  }

 private:
  static constexpr std::size_t kSlots = 16'384;  // they stay in a core's second cache
  std::vector<PropertyHash> latest_ = std::vector<PropertyHash>(kSlots);
  std::vector<PropertyHash> gathered_;
};

}  // namespace

SortedRows sorted_rows(const RowTable& newest_by_key) {
  SortedRows sorted;
  sorted.rows.reserve(newest_by_key.size());
  PropertyGatherer properties;
  newest_by_key.for_each([&](const DeltaRow& row) {
    sorted.rows.push_back({row.key, &row});
    if (row.kind == RowKind::store) properties.add(row.key.property_hash);
  });
  sort_rows_by_key(sorted.rows);
  sorted.properties = std::move(properties).distinct();
  return sorted;
}

}  // namespace caveat::detail
