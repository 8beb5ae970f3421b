// Which directory pages on disk still say the truth (engine/store/directory_page.h).
#pragma once

#include <map>
#include <optional>
#include <set>

#include "engine/store/core.h"

namespace caveat {

class DirectoryMarks {
 public:
  // A page that was read at open, and whether it may be believed.
  void add(const ExceptionKey& lower, bool clean) { pages_[lower] = clean; }

  // Before a change to partitions in [first, last): adds to the batch the marks of the pages that
  // were clean. committed() when the batch was written, dropped() when not.
  void mark(const ExceptionKey& first, const std::optional<ExceptionKey>& last, KvBatch& batch);
  void committed();
  void dropped() { marking_.clear(); }

  // Writes anew the pages of all groups that have changed. Safe to interrupt anywhere.
  [[nodiscard]] Result<void> write_pages(const Directory& directory, KvBackend& backend);

 private:
  [[nodiscard]] bool is_clean(const ExceptionKey& lower) const {
    const auto found = pages_.find(lower);
    return found != pages_.end() && found->second;
  }

  std::map<ExceptionKey, bool> pages_;  // lower bound -> clean
  std::set<ExceptionKey> marking_;      // marked in a batch that is not yet written
};

}  // namespace caveat
