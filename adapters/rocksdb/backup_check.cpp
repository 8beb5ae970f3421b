// Is a backup one that can be restored?
#include <rocksdb/db.h>
#include <stdlib.h>  // mkdtemp

#include <fmt/format.h>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/rocksdb/backup_files.h"
#include "adapters/rocksdb/discard.h"
#include "adapters/rocksdb/log_check.h"
#include "adapters/rocksdb/manifest_check.h"
#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/status.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

bool is_table(const std::string& name) {
  return name.ends_with(".sst");
}

}  // namespace

Result<TemporaryDirectory> TemporaryDirectory::make() {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "caveat-backup-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    return file_error(name, "create directory", error ? error.value() : errno);
  }
  return TemporaryDirectory(name);
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) discard(path_);
}

Result<void> check_contents(const BackupDirectory& directory, const BackupManifest& manifest,
                            CopyProgress& progress) {
  for (const BackupFile& file : manifest.files) {
    const fs::path path = directory.content(file);
    const auto hash = hash_file(path, file.size, progress);
    const std::string what = fmt::format("backup {}, {}", manifest.id, file.name);
    if (!hash && hash.error().code() == ErrorCode::not_found) {
      return fail(ErrorCode::corruption, fmt::format("{}: {} is missing", what, path.string()));
    }
    if (!hash) return fail(hash.error().within(what));
    if (*hash != file.hash) {
      return fail(
          ErrorCode::corruption,
          fmt::format("{}: the contents of {} are not what was backed up", what, path.string()));
    }
  }
  return {};
}

Result<void> assemble(const BackupDirectory& directory, const BackupManifest& manifest,
                      const fs::path& to) {
  CAVEAT_TRY(make_directory(to));
  CopyProgress quiet(nullptr, "", 0);
  for (const BackupFile& file : manifest.files) {
    std::error_code error;
    if (is_table(file.name)) {
      fs::create_symlink(fs::absolute(directory.content(file), error), to / file.name, error);
      if (error) return file_error(to / file.name, "link", error.value());
    } else {
      CAVEAT_TRY(copy_file_hashed(directory.content(file), file.size, to / file.name, quiet));
    }
  }
  return {};
}

Result<void> check_opens(const fs::path& database, const std::string& shown) {
  std::error_code error;
  if (!fs::exists(database / kMarkerFile, error)) {
    return fail(ErrorCode::corruption, shown + ": the marker CAVEAT is missing");
  }
  CAVEAT_TRY(inspect_directory(database));  // a newer version's, or damaged
  CAVEAT_TRY(check_manifest(database, shown, OpenLogs{}, ManifestNote{}));
  CAVEAT_TRY(check_logs(database, shown, OpenLogs{}));
  CAVEAT_ASSIGN(const TemporaryDirectory logs, TemporaryDirectory::make());
  RocksdbBackendOptions small;
  small.block_cache_bytes = std::size_t{8} << 20;
  small.max_open_files = -1;  // all are opened at once: none is missing, none has another length
  StoreOptions options = make_store_options(small, logs.path(), nullptr);
  options.db.create_missing_column_families = false;
  options.db.db_log_dir = logs.path().string();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options.db, database.string(),
                                                              options.families, &handles, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    if (db) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  if (status.ok()) return {};
  const StoreNames names(database.string(), shown);
  const StorageError refused = names.error(status, shown);
  // A file that RocksDB misses is damage of the backup; one that the disk does not give is none.
  const bool of_disk =
      refused.code() == ErrorCode::no_space || refused.code() == ErrorCode::io_error;
  if (of_disk) return fail(refused);
  return fail(ErrorCode::corruption, refused.message());
}

Result<void> check_backup(const BackupDirectory& directory, const BackupManifest& manifest,
                          ProgressSink* progress) {
  CopyProgress counted(progress, "verify", manifest.bytes());
  CAVEAT_TRY(check_contents(directory, manifest, counted));
  CAVEAT_ASSIGN(const TemporaryDirectory scratch, TemporaryDirectory::make());
  const fs::path store = scratch.path() / "store";
  CAVEAT_TRY(assemble(directory, manifest, store));
  return check_opens(store, fmt::format("backup {}", manifest.id));
}

}  // namespace caveat::detail
