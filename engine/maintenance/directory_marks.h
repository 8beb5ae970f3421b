// Which directory pages on disk still say the truth (engine/store/directory_page.h).
#pragma once

#include <map>
#include <optional>
#include <set>

#include "engine/store/core.h"

namespace caveat {

class DirectoryMarks {
 public:
  // A page that was read at open and is a group of the directory now.
  void add_clean(const PartitionGroup& group, const std::optional<ExceptionKey>& upper) {
    pages_[group.lower()] = page_of(group, upper);
  }
  // A page that is stored and not to be believed.
  void add_outdated(const ExceptionKey& lower) { pages_[lower] = {}; }

  // What the page says of the key's partition is true but could be better (a filter was built):
  // it is written again when pages are.
  void improve(const ExceptionKey& key);

  // Before a change to partitions in [first, last): adds to the batch the marks of the pages that
  // have none. committed() when the batch was written, dropped() when not.
  void mark(const ExceptionKey& first, const std::optional<ExceptionKey>& last, KvBatch& batch);
  void committed() noexcept;
  void dropped() noexcept { marking_.clear(); }

  // Writes anew the pages of all groups that have changed. Safe to interrupt anywhere.
  [[nodiscard]] Result<void> write_pages(const Directory& directory, KvBackend& backend);

 private:
  // A page that is stored.
  struct Page {
    bool marked = true;     // so the next open does not believe it
    bool improved = false;  // not marked, but less than what is known
    // Of one that is not marked, what it holds. A group of another extent is not this page,
    // whatever its lower bound.
    std::size_t entries = 0;
    ExceptionKey last;
    std::optional<ExceptionKey> upper;
    friend bool operator==(const Page&, const Page&) = default;
  };
  static Page page_of(const PartitionGroup& group, const std::optional<ExceptionKey>& upper) {
    return {false, false, group.entries.size(), group.entries.back().lower, upper};
  }

  std::map<ExceptionKey, Page> pages_;  // by lower bound
  std::set<ExceptionKey> marking_;      // marked in a batch that is not yet written
};

}  // namespace caveat
