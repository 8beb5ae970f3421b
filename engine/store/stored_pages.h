// What is stored of the directory: pages, and which of them are out of date.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "caveat/kv_backend.h"
#include "caveat/types.h"

namespace caveat {

struct StoredPages {
  struct Page {
    ExceptionKey lower;
    std::string bytes;
    bool gap_behind = false;  // pages between this and the next one could not be read
  };
  std::vector<Page> pages;
  std::set<ExceptionKey> marks;
  bool gap_before = false;     // before the first page
  bool marks_readable = true;  // else any page may be out of date
  std::vector<StorageError> damage;

  [[nodiscard]] bool marked(const Page& page) const { return marks.contains(page.lower); }
  [[nodiscard]] bool believable(const Page& page) const {
    return marks_readable && !page.gap_behind && !marked(page);
  }
};

// Pages are derived: what the backend finds damaged is left out, and told in `damage`.
[[nodiscard]] Result<StoredPages> read_stored_pages(KvBackend& backend);

}  // namespace caveat
