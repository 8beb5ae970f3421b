#include "engine/maintenance/directory_marks.h"

#include <vector>

#include "engine/store/directory_page.h"

namespace caveat {

namespace {
constexpr std::size_t kBatchBytesMax = std::size_t{256} << 10;
}

void DirectoryMarks::mark(const ExceptionKey& first, const std::optional<ExceptionKey>& last,
                          KvBatch& batch) {
  auto page = pages_.upper_bound(first);
  if (page != pages_.begin()) --page;
  for (; page != pages_.end() && (!last || page->first < *last); ++page) {
    if (!page->second.marked && marking_.insert(page->first).second) {
      batch.put(Family::meta, directory_mark_key(page->first), {});
    }
  }
}

// What is being marked has a page, so this takes no memory.
void DirectoryMarks::committed() noexcept {
  for (const auto& lower : marking_) pages_[lower] = {};
  marking_.clear();
}

void DirectoryMarks::improve(const ExceptionKey& key) {
  auto page = pages_.upper_bound(key);
  if (page != pages_.begin()) (--page)->second.improved = true;
}

Result<void> DirectoryMarks::write_pages(const Directory& directory, KvBackend& backend) {
  // What is known of the pages follows each batch, so that marks are right if a later one fails.
  KvBatch batch;
  std::vector<std::pair<ExceptionKey, Page>> written;
  std::vector<ExceptionKey> erased;
  const auto flush = [&]() -> Result<void> {
    if (batch.empty()) return {};
    CAVEAT_TRY(backend.write(batch, Durability::wal));
    for (const auto& [lower, page] : written) pages_[lower] = page;
    for (const auto& lower : erased) pages_.erase(lower);
    batch.clear();
    written.clear();
    erased.clear();
    return {};
  };
  const auto& groups = directory.groups();
  std::set<ExceptionKey> lowers;
  std::string bytes;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const PartitionGroup& group = *groups[i];
    const auto upper = i + 1 < groups.size() ? std::optional(groups[i + 1]->lower()) : std::nullopt;
    lowers.insert(group.lower());
    const Page page = page_of(group, upper);
    const auto stored = pages_.find(group.lower());
    // What is not marked is exactly its group: changes would have marked it.
    if (stored != pages_.end() && stored->second == page) continue;
    bytes.clear();
    encode_directory_page(group.entries, upper, bytes);
    batch.put(Family::meta, directory_page_key(group.lower()), bytes);
    batch.erase(Family::meta, directory_mark_key(group.lower()));
    written.emplace_back(group.lower(), page);
    if (batch.bytes() > kBatchBytesMax) CAVEAT_TRY(flush());
  }
  // Pages that no group begins with any more: what they covered is in the page before.
  std::vector<ExceptionKey> left_over;
  for (const auto& [lower, page] : pages_) {
    if (!lowers.contains(lower)) left_over.push_back(lower);
  }
  for (const ExceptionKey& lower : left_over) {
    batch.erase(Family::meta, directory_page_key(lower));
    batch.erase(Family::meta, directory_mark_key(lower));
    erased.push_back(lower);
    if (batch.bytes() > kBatchBytesMax) CAVEAT_TRY(flush());
  }
  return flush();
}

}  // namespace caveat
