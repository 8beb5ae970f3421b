// Index families can be derived from the primary, so files of theirs that are missing or cannot be
// opened must not keep a store shut. Such a family is emptied; the engine is told
// (engine/store/lost_families.h), queries visit all partitions, and rebuild-indexes makes it anew.
//
// A store with a bad table of the primary can be read but for what is in that table: it is opened
// for that alone, and nothing of it changes on disk. Damage in meta or delta is an error that names
// the file: with a part of either missing any answer could be wrong.
// docs/decisions/0078-a-damaged-primary-can-be-read.md
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <string>
#include <vector>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/status.h"
#include "engine/store/lost_families.h"
#include "pool/invariant.h"

namespace caveat::detail {
namespace {

// One open database for repair, in a mode that passes over damage: nothing is to be written to it
// but what is written here.
struct LaxDatabase {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  ~LaxDatabase() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    if (db) db->Close().PermitUncheckedError();
  }
  LaxDatabase() = default;
  LaxDatabase(const LaxDatabase&) = delete;
  LaxDatabase& operator=(const LaxDatabase&) = delete;
};

rocksdb::DBOptions lax_options(const StoreOptions& store) {
  rocksdb::DBOptions options = store.db;
  options.paranoid_checks = false;
  options.listeners.clear();
  options.create_if_missing = false;
  return options;
}

rocksdb::Status open_laxly(const StoreOptions& store, const std::string& path, bool read_only,
                           LaxDatabase& lax) {
  const rocksdb::DBOptions options = lax_options(store);
  auto families = store.families;
  for (auto& family : families) family.options.disable_auto_compactions = true;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status =
      read_only ? rocksdb::DB::OpenForReadOnly(options, path, families, &lax.handles, &db)
                : rocksdb::DB::Open(options, path, families, &lax.handles, &db);
  if (status.ok()) lax.db.reset(db);
  return status;
}

// Says nothing of the file: it may be as good as ever once the disk is well.
bool is_disk_error(const rocksdb::Status& status) {
  return error_code(status) == ErrorCode::io_error;
}

// Can it be opened, and is it as long as it should be?
rocksdb::Status check_table(const rocksdb::LiveFileMetaData& file,
                            const rocksdb::ColumnFamilyDescriptor& family, rocksdb::Env* env) {
  const std::string path = file.db_path + file.name;
  std::uint64_t size = 0;
  rocksdb::Status status = env->GetFileSize(path, &size);
  if (is_disk_error(status)) return status;
  if (!status.ok()) return rocksdb::Status::Corruption(path + " is missing");
  if (size != file.size) {
    return rocksdb::Status::Corruption(path + " has " + std::to_string(size) + " bytes of " +
                                       std::to_string(file.size));
  }
  rocksdb::Options options;
  static_cast<rocksdb::ColumnFamilyOptions&>(options) = family.options;
  options.env = env;
  rocksdb::SstFileReader reader(options);
  status = reader.Open(path);
  if (status.ok() || is_disk_error(status)) return status;
  return rocksdb::Status::Corruption(path + " is damaged: " + status.ToString());
}

}  // namespace

// Of tables that can be done without, or read around; an error if others are damaged.
Result<Damage> RocksdbBackend::find_damage() {
  constexpr std::size_t kNamedMax = 10;
  Damage damage;
  LaxDatabase lax;
  const rocksdb::Status opened = open_laxly(store_, path_.string(), /*read_only=*/true, lax);
  if (!opened.ok()) return damage;  // not the fault of a table
  std::vector<rocksdb::LiveFileMetaData> files;
  lax.db->GetLiveFilesMetaData(&files);
  std::string text;
  std::size_t bad = 0;
  for (const auto& file : files) {
    for (const Family family : kFamilies) {
      if (file.column_family_name != column_family_name(family)) continue;
      const auto index = static_cast<std::size_t>(family);
      const rocksdb::Status status = check_table(file, store_.families[index], store_.db.env);
      if (status.ok()) continue;
      if (is_disk_error(status)) return fail(names_.error(status, to_string(family)));
      if (derivable(family)) {
        damage.indexes.set(index);
      } else if (family == Family::primary) {
        if (++bad > kNamedMax) continue;
        text += (bad > 1 ? "; " : "") + std::string(status.getState());
      } else {
        return fail(names_.opening_error(status, to_string(family)));
      }
    }
  }
  if (bad > kNamedMax) text += "; and " + std::to_string(bad - kNamedMax) + " others";
  if (bad > 0) {
    damage.primary = names_.error(rocksdb::Status::Corruption(text), to_string(Family::primary));
  }
  return damage;
}

// RocksDB replays the logs in memory. Index families that are damaged too are not dropped: queries
// run into the damage and do without them.
Result<void> RocksdbBackend::open_to_read(const StorageError& damage, OpenLogs logs) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(lax_options(store_), path_.string(),
                                                              store_.families, &handles, &db);
  if (!status.ok()) return fail(names_.opening_error(status, names_.shown()));
  db_.reset(db);
  CAVEAT_ASSERT(handles.size() == kFamilyCount);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  note_found_tables(~std::uint64_t{0});
  read_only_ =
      StorageError(ErrorCode::corruption,
                   names_.shown() +
                       " is open for reading only, because a part of its records is damaged or "
                       "missing (" +
                       damage.message() +
                       "): restore the store from a backup, or write what is left into a new one: "
                       "caveat repair STORE NEW");
  names_.set_damage(damage.message());
  // They are as needed as before.
  if (logs.newest != 0) CAVEAT_TRY(lock_.set_logs(logs, /*sync=*/true));
  return {};
}

// For a store that does not open: drops the families, which are made anew, empty, when it does.
Result<void> RocksdbBackend::drop_families(std::bitset<kFamilyCount> families) {
  LaxDatabase lax;
  rocksdb::Status status = open_laxly(store_, path_.string(), /*read_only=*/false, lax);
  rocksdb::WriteBatch lost;
  for (const Family family : kFamilies) {
    if (status.ok() && families.test(static_cast<std::size_t>(family))) {
      status = lost.Put(lost_family_key(family), "");
    }
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok()) status = lax.db->Write(synced, &lost);
  for (const Family family : kFamilies) {
    const auto index = static_cast<std::size_t>(family);
    if (status.ok() && families.test(index)) status = lax.db->DropColumnFamily(lax.handles[index]);
  }
  if (status.ok()) return {};
  return fail(names_.error(status, names_.shown() + ": emptying damaged index families"));
}

}  // namespace caveat::detail
