#include "engine/maintenance/directory_marks.h"

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
    if (page->second.clean && marking_.insert(page->first).second) {
      batch.put(Family::meta, directory_mark_key(page->first), {});
    }
  }
}

void DirectoryMarks::committed() {
  for (const auto& lower : marking_) pages_[lower].clean = false;
  marking_.clear();
}

void DirectoryMarks::improve(const ExceptionKey& key) {
  auto page = pages_.upper_bound(key);
  if (page != pages_.begin()) (--page)->second.clean = false;
}

Result<void> DirectoryMarks::write_pages(const Directory& directory, KvBackend& backend) {
  KvBatch batch;
  std::map<ExceptionKey, Page> written;
  std::string page;
  const auto flush = [&]() -> Result<void> {
    if (batch.empty()) return {};
    CAVEAT_TRY(backend.write(batch, Durability::wal));
    batch.clear();
    return {};
  };
  for (const auto& group : directory.groups()) {
    const ExceptionKey& lower = group->lower();
    written[lower] = page_of(*group);
    // A clean page is exactly its group: changes would have marked it.
    if (is_clean(*group)) continue;
    page.clear();
    encode_directory_page(group->entries, page);
    batch.put(Family::meta, directory_page_key(lower), page);
    batch.erase(Family::meta, directory_mark_key(lower));
    if (batch.bytes() > kBatchBytesMax) CAVEAT_TRY(flush());
  }
  // Pages that no group begins with any more: what they covered is in the page before.
  for (const auto& [lower, page_before] : pages_) {
    if (written.contains(lower)) continue;
    batch.erase(Family::meta, directory_page_key(lower));
    batch.erase(Family::meta, directory_mark_key(lower));
    if (batch.bytes() > kBatchBytesMax) CAVEAT_TRY(flush());
  }
  CAVEAT_TRY(flush());
  pages_ = std::move(written);
  return {};
}

}  // namespace caveat
