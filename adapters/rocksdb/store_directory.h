// The directory of a store: what it is, whose it is, and what is in it. Knows no RocksDB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/rocksdb/manifest_note.h"
#include "caveat/error.h"

namespace caveat::detail {

// CAVEAT, the marker:  "caveat store\nformat 1\n"
inline constexpr std::string_view kMarkerFile = "CAVEAT";
inline constexpr std::string_view kMarkerDraft = "CAVEAT.new";  // until it is whole
inline constexpr std::string_view kLockFile = "caveat.lock";
inline constexpr std::string_view kOriginFile = "caveat.origin";  // in a copy: of which store
inline constexpr unsigned kStoreFormat = 1;

enum class DirectoryState : std::uint8_t {
  absent,
  empty,   // nothing, or what an interrupted creation left before it wrote the marker
  marked,  // a caveat store of a format that we know
};

// Changes nothing. unsupported_format for anything else: foreign files, or a newer format.
[[nodiscard]] Result<DirectoryState> inspect_directory(const std::filesystem::path& path);

// The store that a copy made for inspection is of; of any other, itself.
[[nodiscard]] std::filesystem::path shown_path(const std::filesystem::path& path);

// Makes the directory (0700) with its parents.
[[nodiscard]] Result<void> make_directory(const std::filesystem::path& path);

// Writes the marker: whole or not at all, and on the device when this returns.
[[nodiscard]] Result<void> write_marker(const std::filesystem::path& path);

// Does it hold, or did it ever hold, a RocksDB database? corruption if one with its CURRENT gone.
[[nodiscard]] Result<bool> holds_database(const std::filesystem::path& path);

// The name of the MANIFEST that CURRENT points to; empty: there is none, or it says nothing.
[[nodiscard]] Result<std::string> current_manifest(const std::filesystem::path& path);

// Who holds RocksDB's own lock without ours (a tool of RocksDB's): "pid 123", or "another process".
// Never to be asked by a process that has the database open: closing the file drops its lock.
[[nodiscard]] std::string database_lock_owner(const std::filesystem::path& path);

// Removes what RocksDB leaves behind and nothing reads: dumps of its options, where it could write
// some, and logs of length 0 (7.8 leaves one each time a store is opened and closed unchanged).
// Only for the owner, with the database closed.
void tidy_directory(const std::filesystem::path& path) noexcept;

// On the device when they return, but for the removal.
[[nodiscard]] Result<void> remove_file(const std::filesystem::path& file);
[[nodiscard]] Result<void> cut_file(const std::filesystem::path& file, std::uint64_t size);
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& path);

// All files below, as the file system counts their lengths.
[[nodiscard]] std::uint64_t directory_bytes(const std::filesystem::path& path) noexcept;

struct OpenLogs {
  std::uint64_t first = 0;  // numbers; 0: none is known to be open
  std::uint64_t newest = 0;
  // Of the system, in which the store was opened; empty: it is closed, or that is not known.
  std::string boot = {};

  // The system went down with the store open: what was not synced may be gone, in any part.
  [[nodiscard]] bool power_lost() const;
};

// Of the system that runs now, as the kernel names it; empty if it does not.
[[nodiscard]] const std::string& this_boot();

// The right to have the store open: a flock on caveat.lock, which the kernel gives back however
// the process ends. (Not a POSIX lock: those are lost when any descriptor of the file is closed.)
//
// The file says who has it, and RocksDB's logs since it was opened, the first and the newest:
// "123\nlogs 15 20\nboot 8f3c...\n", or "logs 0 0" while RocksDB has none yet. These two lines go
// when the store is closed; where they are still there, so must be the logs (log_check.h). A last
// line, which stays, says how much of the MANIFEST must be there (manifest_note.h).
class DirectoryLock {
 public:
  // `locked`, with the pid, if anybody has it: another process, or this one.
  [[nodiscard]] static Result<DirectoryLock> acquire(const std::filesystem::path& path);

  // Of a store that was left unclosed; zeros: it was closed.
  [[nodiscard]] const OpenLogs& logs() const noexcept { return logs_; }
  // With `sync` on the device when it returns. Logs may go only after it is known that they may.
  [[nodiscard]] Result<void> set_logs(OpenLogs logs, bool sync);

  // As it was found, or noted since.
  [[nodiscard]] ManifestNote manifest() const noexcept;
  // At the same time as any other call, without memory. Of what cannot be written the note that is
  // there stays true.
  void note_manifest(const ManifestNote& note) noexcept;

  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock() { release(); }
  void release() noexcept;

 private:
  // An errno, or 0.
  [[nodiscard]] int write_text() noexcept;
  [[nodiscard]] Result<void> write();

  int fd_ = -1;
  OpenLogs logs_;
  ManifestNote manifest_;
  std::unique_ptr<std::mutex> mutex_;  // for the three; null: never acquired
  std::filesystem::path path_;
};

// What the lock file says, to one who does not take the lock.
[[nodiscard]] OpenLogs open_logs_of(const std::filesystem::path& path);
[[nodiscard]] ManifestNote manifest_note_of(const std::filesystem::path& path);

}  // namespace caveat::detail
