// Emptying a family whose files may be damaged.
//
// Erasing key by key reads them, and a range tombstone leaves them for the next compaction to fail
// on. So the column family is dropped, files and all, and made
// anew under the same name. A crash in between leaves a database that lacks a family, and opening
// one makes what is missing.
#include <utility>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/status.h"

namespace caveat::detail {

Result<void> RocksdbBackend::clear(Family family) {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  if (read_only_) return fail(*read_only_);
  // Nobody may hold the handle that goes.
  const std::unique_lock alone(families_mutex_);
  auto& slot = handles_[static_cast<std::size_t>(family)];
  rocksdb::Status status = db_->DropColumnFamily(slot);
  // Dropped by an earlier call that could not make it anew.
  if (!status.ok() && !status.IsColumnFamilyDropped()) {
    return fail(names_.error(status, std::string(to_string(family)) + ", while dropping it"));
  }
  events_->quarantine().release(family);
  const auto& described = store_.families[static_cast<std::size_t>(family)];
  rocksdb::ColumnFamilyHandle* fresh = nullptr;
  status = db_->CreateColumnFamily(described.options, described.name, &fresh);
  if (status.ok()) status = db_->DestroyColumnFamilyHandle(std::exchange(slot, fresh));
  events_->quarantine().begin(*db_, handles_);
  if (status.ok()) return {};
  return fail(names_.error(status, std::string(to_string(family)) + ", while making it anew"));
}

}  // namespace caveat::detail
