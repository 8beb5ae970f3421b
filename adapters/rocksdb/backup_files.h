// The parts of backups that know RocksDB and no engine; backup.h has the calls.
#pragma once

#include <filesystem>

#include "adapters/rocksdb/backup_directory.h"
#include "caveat/backup.h"
#include "caveat/kv_backend.h"

namespace caveat::detail {

// Copies the backend's files; everything written before is in them. `records` goes into the
// manifest. invalid_argument for a backend that is not RocksDB's.
[[nodiscard]] Result<BackupInfo> back_up_files(KvBackend& backend, std::int64_t now_ns,
                                               std::uint64_t records,
                                               const std::filesystem::path& backups,
                                               const BackupOptions& options);

// invalid_argument where a store and its backups are one directory, or one lies in the other, by
// whatever links: to put the store in its place would delete the backups. Neither need be there.
[[nodiscard]] Result<void> check_apart(const std::filesystem::path& store,
                                       const std::filesystem::path& backups);

// Reads all contents of a backup. corruption names the file of the backup.
[[nodiscard]] Result<void> check_contents(const BackupDirectory& directory,
                                          const BackupManifest& manifest, CopyProgress& progress);

// Makes a store's directory at `to`, which must not be there: tables as links to the contents,
// everything else, which opening might change, as copies.
[[nodiscard]] Result<void> assemble(const BackupDirectory& directory,
                                    const BackupManifest& manifest,
                                    const std::filesystem::path& to);

// Has RocksDB open what lies there, to read: all of its files are looked at, and the log is
// replayed. `shown` is its name in errors. Leaves nothing behind.
[[nodiscard]] Result<void> check_opens(const std::filesystem::path& database,
                                       const std::string& shown);

// A directory in the system's place for temporary files, which goes with it.
class TemporaryDirectory {
 public:
  [[nodiscard]] static Result<TemporaryDirectory> make();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// check_contents, and check_opens of what assemble makes.
[[nodiscard]] Result<void> check_backup(const BackupDirectory& directory,
                                        const BackupManifest& manifest, ProgressSink* progress);

}  // namespace caveat::detail
