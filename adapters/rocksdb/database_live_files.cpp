// Holding a store's files still for a backup.
//
// The memtables are written out first, so that the logs hold next to nothing. RocksDB gives the set
// of files, how much of MANIFEST and logs belongs to it, and what CURRENT has to say, as of one
// moment; logs may go on a little beyond it, which leaves a later prefix of all writes.
#include <rocksdb/unique_id.h>
#include <map>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/live_files.h"
#include "adapters/rocksdb/rocksdb_handles.h"

namespace caveat::detail {
namespace {

class PinnedFiles final : public LiveFiles {
 public:
  PinnedFiles(rocksdb::DB& db, std::atomic<std::size_t>& live, std::filesystem::path directory)
      : live_(live), db_(db) {
    directory_ = std::move(directory);
  }
  ~PinnedFiles() override {
    // Others may hold files, too: the last one lets them go.
    if (disabled_) db_.EnableFileDeletions(/*force=*/false).PermitUncheckedError();
  }

  rocksdb::Status gather(const std::vector<rocksdb::ColumnFamilyHandle*>& families) {
    rocksdb::Status status = db_.DisableFileDeletions();
    if (!status.ok()) return status;
    disabled_ = true;
    std::vector<rocksdb::LiveFileStorageInfo> live;
    status = db_.GetLiveFilesStorageInfo({}, &live);
    if (!status.ok()) return status;
    std::map<std::string, std::string> identities;  // by the name of a table
    for (rocksdb::ColumnFamilyHandle* family : families) {
      rocksdb::TablePropertiesCollection tables;
      status = db_.GetPropertiesOfAllTables(family, &tables);
      if (!status.ok()) return status;
      for (const auto& [path, properties] : tables) {
        std::string identity;
        // Without one the table is read, which is right as well.
        if (rocksdb::GetExtendedUniqueIdFromTableProperties(*properties, &identity).ok()) {
          identities[std::filesystem::path(path).filename().string()] = std::move(identity);
        }
      }
    }
    for (const rocksdb::LiveFileStorageInfo& info : live) {
      // All files lie in one directory: no other is set in our options.
      LiveFile file{info.relative_filename, info.size, info.replacement_contents, {}};
      const auto known = identities.find(file.name);
      if (known != identities.end()) file.identity = known->second;
      files_.push_back(std::move(file));
    }
    return status;
  }

 private:
  LiveCount live_;
  rocksdb::DB& db_;
  bool disabled_ = false;
};

}  // namespace

Result<std::unique_ptr<LiveFiles>> RocksdbBackend::live_files() {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  if (read_only_) return fail(*read_only_);
  CAVEAT_TRY(check_writable());
  auto pinned = std::make_unique<PinnedFiles>(*db_, live_, path_);
  const std::shared_lock all_of_them(families_mutex_);
  const std::vector<rocksdb::ColumnFamilyHandle*> families(handles_.begin(), handles_.end());
  rocksdb::Status status = sync_log();
  if (status.ok()) status = pinned->gather(families);
  if (events_->stopped()) return fail(stopped_error());
  if (!status.ok()) return fail(names_.error(status, names_.shown() + ": list of its files"));
  return pinned;
}

}  // namespace caveat::detail
