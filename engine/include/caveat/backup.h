// Backups: copies of a store that is being written to, taken, checked, listed, thinned out and put
// back.
//
// A directory of backups holds any number of them, of one store or of several. A file that two of
// them have in common is there once, so a backup costs what has changed since the last one. Each is
// whole by itself: any other may be deleted. docs/format/backup.md.
//
// Nothing is in a directory of backups until it is all there and on the device: however a backup
// ends (an error, a full disk, a kill), the ones before it are sound, and what it left is used or
// removed by the next. One process at a time works on a directory (`locked` otherwise); it is made
// with mode 0700, its files with 0600.
//
// Errors of all calls, beside those named: io_error, no_space, locked; unsupported_format for a
// directory that is none of backups, or one of a newer version; corruption, naming the backup's
// file that is damaged; cancelled. Each call blocks for as long as it copies or reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "caveat/encryption.h"
#include "caveat/error.h"
#include "caveat/ports.h"

namespace caveat {

class StorageOptimizer;

// What a backup is.
struct BackupInfo {
  std::uint64_t id = 0;         // 1, 2, 3, ...: later is higher
  std::int64_t created_ns = 0;  // since the Unix epoch
  std::uint64_t records = 0;    // as the store counted them then
  std::uint64_t bytes = 0;      // of all files of it: what a restore writes
  std::uint64_t new_bytes = 0;  // of those, what no backup before it had
  std::uint64_t files = 0;      // of the backup, in the directory of them all
};

// How to make one.
struct BackupOptions {
  // Afterwards delete all but so many, the newest ones. 0: delete none. Where what describes one of
  // those that stay is damaged none is deleted, and the error says that the new one is made.
  std::size_t keep = 0;
  // Read everything back, those files too that earlier backups had, and have RocksDB look at the
  // whole, before it counts as a backup. A file that is damaged there is copied anew.
  bool verify = true;
  // Stages "fold", "copy" and "verify", in bytes. May be null.
  ProgressSink* progress = nullptr;
};

// Makes a backup of everything that was acknowledged before the call, and perhaps of what was
// written meanwhile: a prefix of it. Reads and writes go on. Until it returns the store gives no
// space back to the file system, and close() gives busy.
// Errors: invalid_argument for a store that is not in a directory of its own (a volatile one), and
// where the store and `backups` lie one in the other; read_only, closed.
[[nodiscard]] Result<BackupInfo> create_backup(StorageOptimizer& store,
                                               const std::filesystem::path& backups,
                                               const BackupOptions& options = {});

// One of a directory of backups.
struct ListedBackup {
  std::uint64_t id = 0;  // as in BackupInfo
  // What is known of it; or why it cannot be used.
  Result<BackupInfo> info;
};
// Oldest first. Reads what describes them, no more; takes no lock. not_found without a directory.
[[nodiscard]] Result<std::vector<ListedBackup>> list_backups(const std::filesystem::path& backups);

// How far to look.
struct BackupVerifyOptions {
  // Also open it as a store, and check every record and index as StorageOptimizer::verify() does:
  // then damage is found that the store had already when the backup was made. Costs, in the
  // system's directory for temporary files, the space of the log.
  bool records = false;
  ProgressSink* progress = nullptr;  // in bytes; may be null
  // For `records` of a store that was encrypted: its keys at that time. A backup holds encrypted
  // files and is made, checked without `records`, and restored without them.
  std::shared_ptr<const KeyProvider> keys = nullptr;
};
// Reads all files of a backup (nothing: the newest) and has RocksDB look at the whole. Changes
// nothing. Errors: not_found, corruption.
[[nodiscard]] Result<BackupInfo> verify_backup(const std::filesystem::path& backups,
                                               std::optional<std::uint64_t> id,
                                               const BackupVerifyOptions& options = {});

// Where to put it.
struct RestoreOptions {
  // Take the place of a store that is there already. Otherwise that is already_exists.
  bool replace = false;
  ProgressSink* progress = nullptr;  // in bytes; may be null
};
// Makes a store of a backup (nothing: the newest; an older one is never taken in place of one that
// is damaged). It is made beside `target`, checked as verify_backup does, and only then put in
// place, in one step: until then what is there stays as it is, and afterwards it is deleted. Where
// the device does not take that step it is undone; if that fails too, the error says where the
// other one of the two is kept.
// Errors: not_found, already_exists; invalid_argument where `target` and `backups` lie one in the
// other, for what is there is deleted; locked if the store that is there is open; corruption; and
// unsupported_format if what is there is no store.
[[nodiscard]] Result<BackupInfo> restore_backup(const std::filesystem::path& backups,
                                                std::optional<std::uint64_t> id,
                                                const std::filesystem::path& target,
                                                const RestoreOptions& options = {});

// Deletes one, be it damaged, and the files that no other needs. not_found.
[[nodiscard]] Result<void> delete_backup(const std::filesystem::path& backups, std::uint64_t id);

// Deletes all but the newest `keep` (at least 1) and returns how many. While what describes any
// of them is damaged none is deleted: delete that one by its id first.
[[nodiscard]] Result<std::size_t> keep_newest_backups(const std::filesystem::path& backups,
                                                      std::size_t keep);

}  // namespace caveat
