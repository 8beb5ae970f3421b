// What can be read of a store's files, one by one, where RocksDB does not open them together: its
// tables and logs, and caveat.spare. Nothing of the store is changed, and no lock is needed.
//
// Which state of a key is the newest its entries' sequences say. docs/decisions/
// 0103-salvage-from-the-tables.md says what is recovered, and what is not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caveat/kv_backend.h"

namespace caveat {

// A stretch of a file that cannot be read.
struct SalvageLoss {
  std::string file;    // its name; of a table, log or other file of the store
  std::string family;  // whose entries it held; empty: that is not known
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // 0: all of the file
  std::string why;
  // Keys of the family, as they are stored, between which entries may be missing, or an earlier
  // state of them may have taken their place. Nothing: from the first, to the last.
  std::optional<std::string> before;
  std::optional<std::string> behind;
  // False where nothing but what can be made anew was there: an index, the directory's pages, the
  // end of a table whose entries are all found.
  bool of_records = true;

  // "000012.sst, bytes 4096 to 8191 (primary): ..."
  [[nodiscard]] std::string sentence() const;
};

struct SalvagedFiles {
  // Family meta without the directory's pages, delta and primary; the others are empty. Read only,
  // and a SalvagedBackend: StorageOptimizer::open() reads it.
  std::unique_ptr<KvBackend> backend;
  std::vector<SalvageLoss> losses;  // by file
  std::vector<std::string> notes;   // whole sentences: what was derived, and from what
};

// Memory: about 150 bytes for each partition (some hundreds of records), and the logs. `scratch` is
// an empty directory for a copy of the MANIFEST. not_found where there are no tables and no logs;
// io_error only if the directory cannot be listed.
[[nodiscard]] Result<SalvagedFiles> salvage_files(const std::filesystem::path& directory,
                                                  const std::filesystem::path& scratch);

}  // namespace caveat
