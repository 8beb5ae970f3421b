// Making a backup: the files of a live store, each into the contents that backups share.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "adapters/rocksdb/backup_files.h"
#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

// RocksDB 7.8 may name a file that it has replaced meanwhile; then the whole list is taken anew.
constexpr int kListsMax = 3;

// Tables of the backups there are, by what RocksDB says of them.
using KnownTables = std::map<std::pair<std::string, std::uint64_t>, BackupFile>;

KnownTables known_tables(const BackupDirectory& directory, const std::vector<std::uint64_t>& ids) {
  KnownTables known;
  for (const std::uint64_t id : ids) {
    // One that is damaged shares nothing.
    auto manifest = directory.read(id);
    if (!manifest) continue;
    for (BackupFile& file : manifest->files) {
      if (file.identity.empty() || !directory.has_content(file)) continue;
      known.insert_or_assign({file.identity, file.size}, std::move(file));
    }
  }
  return known;
}

bool is_gone_or_damaged(const StorageError& error) noexcept {
  return error.code() == ErrorCode::not_found || error.code() == ErrorCode::corruption;
}

class Backup {
 public:
  Backup(const BackupDirectory& directory, const LiveFiles& live, const KnownTables& known,
         std::string marker)
      : directory_(directory), live_(live), known_(known), marker_(std::move(marker)) {}

  // Of what is to be copied or, to know it, read.
  [[nodiscard]] std::uint64_t bytes_to_copy() const {
    std::uint64_t sum = marker_.size();
    for (const LiveFile& file : live_.files()) sum += find_known(file) == nullptr ? file.size : 0;
    return sum;
  }

  Result<void> copy(BackupManifest& manifest, CopyProgress& progress) const {
    for (const LiveFile& file : live_.files()) {
      if (const BackupFile* there = find_known(file)) {
        BackupFile same = *there;
        same.name = file.name;
        manifest.files.push_back(std::move(same));
        continue;
      }
      CAVEAT_ASSIGN(BackupFile copied, copy_one(file, manifest, progress));
      manifest.files.push_back(std::move(copied));
    }
    // The marker says in which format all this is.
    CAVEAT_ASSIGN(
        BackupFile marked,
        copy_one({std::string(kMarkerFile), marker_.size(), marker_, {}}, manifest, progress));
    manifest.files.push_back(std::move(marked));
    return {};
  }

  // Contents that earlier backups had and that are damaged by now are copied anew.
  Result<void> mend(BackupManifest& manifest) const {
    CopyProgress quiet(nullptr, "", 0);
    for (const LiveFile& file : live_.files()) {
      const BackupFile* there = find_known(file);
      if (there == nullptr) continue;
      const auto hash = hash_file(directory_.content(*there), there->size, quiet);
      if (hash && *hash == there->hash) continue;
      // What the disk does not give now may be sound, and all that an earlier backup has.
      if (!hash && !is_gone_or_damaged(hash.error())) return fail(hash.error());
      std::error_code ignored;
      fs::remove(directory_.content(*there), ignored);
      CAVEAT_TRY(copy_one(file, manifest, quiet));
    }
    return {};
  }

 private:
  [[nodiscard]] const BackupFile* find_known(const LiveFile& file) const {
    if (file.identity.empty()) return nullptr;
    const auto found = known_.find({file.identity, file.size});
    return found == known_.end() ? nullptr : &found->second;
  }

  Result<BackupFile> copy_one(const LiveFile& file, BackupManifest& manifest,
                              CopyProgress& progress) const {
    BackupFile copied{file.name, file.size, {}, file.identity};
    const fs::path draft = directory_.draft();
    auto hash = file.contents.empty()
                    ? copy_file_hashed(live_.directory() / file.name, file.size, draft, progress)
                    : write_file_hashed(file.contents, draft, progress);
    if (!hash) return fail(hash.error());
    copied.hash = *hash;
    CAVEAT_ASSIGN(const bool fresh, directory_.keep_draft(copied));
    if (fresh) manifest.new_bytes += file.size;
    return copied;
  }

  const BackupDirectory& directory_;
  const LiveFiles& live_;
  const KnownTables& known_;
  const std::string marker_;  // its text never changes while a store is there
};

// Deletes the oldest. Which contents the others need must be known: while what describes one of
// these is damaged, none is deleted.
Result<void> thin_out(const BackupDirectory& directory, const std::vector<std::uint64_t>& ids,
                      std::size_t old) {
  for (std::size_t i = old; i < ids.size(); ++i) CAVEAT_TRY(directory.read(ids[i]));
  for (std::size_t i = 0; i < old; ++i) CAVEAT_TRY(directory.erase(ids[i]));
  return directory.collect();
}

}  // namespace

Result<BackupInfo> back_up_files(KvBackend& backend, std::int64_t now_ns, std::uint64_t records,
                                 const fs::path& backups, const BackupOptions& options) {
  auto* const database = dynamic_cast<RocksdbBackend*>(&backend);
  if (database == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "backup: not supported by a store that is in no directory of its own (a volatile "
                "one, or one on a host's backend)");
  }
  CAVEAT_TRY(check_apart(database->shown_directory(), backups));
  CAVEAT_ASSIGN(const BackupDirectory directory,
                BackupDirectory::open(backups, BackupDirectory::Use::make));
  CAVEAT_ASSIGN(const auto ids, directory.ids());
  const KnownTables known = known_tables(directory, ids);
  BackupManifest manifest;
  for (int list = 1;; ++list) {
    CAVEAT_ASSIGN(const auto live, database->live_files());
    manifest = {};
    manifest.id = ids.empty() ? 1 : ids.back() + 1;
    manifest.created_ns = now_ns;
    manifest.records = records;
    CAVEAT_ASSIGN(std::string marker, read_file(live->directory() / kMarkerFile));
    const Backup backup(directory, *live, known, std::move(marker));
    CopyProgress copying(options.progress, "copy", backup.bytes_to_copy());
    if (auto copied = backup.copy(manifest, copying); !copied) {
      if (copied.error().code() != ErrorCode::not_found) return fail(copied.error());
      if (list < kListsMax) continue;
      return fail(ErrorCode::busy, "backup: files of the store went while they were copied (" +
                                       copied.error().message() + "); try again");
    }
    if (!options.verify) break;
    auto checked = check_backup(directory, manifest, options.progress);
    if (!checked && checked.error().code() == ErrorCode::corruption) {
      CAVEAT_TRY(backup.mend(manifest));
      checked = check_backup(directory, manifest, options.progress);
    }
    if (!checked) return fail(checked.error());
    break;
  }
  CAVEAT_TRY(directory.write(manifest));
  if (options.keep > 0 && ids.size() + 1 > options.keep) {
    if (auto thinned = thin_out(directory, ids, ids.size() + 1 - options.keep); !thinned) {
      return fail(thinned.error().within(fmt::format(
          "backup {} is made, but those before it could not be thinned out", manifest.id)));
    }
  }
  return manifest.info();
}

}  // namespace caveat::detail

namespace caveat {

using detail::BackupDirectory;

Result<std::vector<ListedBackup>> list_backups(const std::filesystem::path& backups) {
  CAVEAT_ASSIGN(const auto directory, BackupDirectory::open(backups, BackupDirectory::Use::look));
  CAVEAT_ASSIGN(const auto ids, directory.ids());
  std::vector<ListedBackup> listed;
  for (const std::uint64_t id : ids) {
    const auto manifest = directory.read(id);
    listed.push_back({id, manifest ? Result<BackupInfo>(manifest->info())
                                   : Result<BackupInfo>(fail(manifest.error()))});
  }
  return listed;
}

Result<void> delete_backup(const std::filesystem::path& backups, std::uint64_t id) {
  CAVEAT_ASSIGN(const auto directory, BackupDirectory::open(backups, BackupDirectory::Use::change));
  CAVEAT_TRY(directory.erase(id));
  return directory.collect();
}

Result<std::size_t> keep_newest_backups(const std::filesystem::path& backups, std::size_t keep) {
  if (keep == 0) {
    return fail(ErrorCode::invalid_argument, "backups: at least the newest one must be kept");
  }
  CAVEAT_ASSIGN(const auto directory, BackupDirectory::open(backups, BackupDirectory::Use::change));
  CAVEAT_ASSIGN(const auto ids, directory.ids());
  for (const std::uint64_t id : ids) CAVEAT_TRY(directory.read(id));
  std::size_t deleted = 0;
  for (; ids.size() - deleted > keep; ++deleted) CAVEAT_TRY(directory.erase(ids[deleted]));
  CAVEAT_TRY(directory.collect());
  return deleted;
}

}  // namespace caveat
