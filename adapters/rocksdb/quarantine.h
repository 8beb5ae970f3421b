// Families with a damaged table file are compacted no more until the store is opened again, or the
// family is cleared.
//
// A compaction that meets damage fails, and RocksDB would try it again every second for ever, and
// in the end stop all writes because table files pile up. Without compactions it does neither: the
// family keeps taking writes, and reads of everything that is not damaged go on.
#pragma once

#include <rocksdb/db.h>
#include <array>
#include <bitset>
#include <mutex>
#include <thread>
#include <vector>

#include "caveat/kv_backend.h"

namespace caveat::detail {

class CompactionQuarantine {
 public:
  using Handles = std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount>;

  ~CompactionQuarantine() { end(); }

  // What was added before takes effect now.
  void begin(rocksdb::DB& db, const Handles& handles);
  // True the first time for a family. `id`: of the column family; one that is not there any more is
  // no concern. From any thread, RocksDB's own included: does not wait.
  bool add(Family family, std::uint32_t id);
  // The family's handle goes; begin() brings the one of the family made anew.
  void release(Family family);
  // When this has returned, the database is not used any more.
  void end();

 private:
  void apply(Family family);  // under the mutex
  void join();

  std::mutex mutex_;
  rocksdb::DB* db_ = nullptr;
  Handles handles_{};
  std::bitset<kFamilyCount> families_;
  std::vector<std::thread> workers_;  // changing options waits for RocksDB, so not in its callbacks
};

}  // namespace caveat::detail
