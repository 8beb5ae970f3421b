// A secondary instance reads the owner's files without locks and writes nothing among them;
// RocksDB's checkpoint of that instance links or copies what it needs. Neither is documented to
// work together, so the result is checked twice: the owner's MANIFEST must not have changed
// meanwhile (then no file that the copy needs was made obsolete, and no log was dropped for a
// table file that the secondary had not seen), and the copy must open.
#include "adapters/rocksdb/live_checkpoint.h"

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/status.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat {
namespace {

namespace fs = std::filesystem;

constexpr int kAttemptsMax = 20;
constexpr auto kPauseMax = std::chrono::milliseconds(200);

struct ManifestState {
  std::string name;
  std::uint64_t size = 0;
  friend bool operator==(const ManifestState&, const ManifestState&) = default;
};

// What CURRENT points to, and how long it is: it grows with every change to the set of files.
ManifestState manifest_state(const fs::path& path) {
  ManifestState state;
  std::ifstream current(path / "CURRENT");
  std::getline(current, state.name);
  std::error_code error;
  const auto size = fs::file_size(path / state.name, error);
  if (!error) state.size = size;
  return state;
}

// A database with its families' handles.
struct OpenDatabase {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  OpenDatabase() = default;
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;
  ~OpenDatabase() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
  }
};

detail::StoreOptions reading_options(const fs::path& log_directory) {
  RocksdbBackendOptions small;
  small.block_cache_bytes = std::size_t{8} << 20;
  small.max_open_files = -1;  // a secondary keeps what it has found open
  detail::StoreOptions options = detail::make_store_options(small, log_directory, nullptr);
  options.db.create_missing_column_families = false;
  options.db.db_log_dir = log_directory.string();
  return options;
}

rocksdb::Status copy_once(const fs::path& path, const fs::path& logs, const fs::path& copy) {
  const detail::StoreOptions options = reading_options(logs);
  OpenDatabase secondary;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenAsSecondary(
      rocksdb::Options(options.db, rocksdb::ColumnFamilyOptions()), path.string(), logs.string(),
      options.families, &secondary.handles, &db);
  if (!status.ok()) return status;
  secondary.db.reset(db);
  rocksdb::Checkpoint* made = nullptr;
  status = rocksdb::Checkpoint::Create(db, &made);
  if (!status.ok()) return status;
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Never flush first: a secondary cannot, and the logs are part of the copy.
  return checkpoint->CreateCheckpoint(copy.string(), std::numeric_limits<std::uint64_t>::max());
}

// Reads every file's head and all logs; the copy is ours, so read-only is safe.
rocksdb::Status verify(const fs::path& copy, const fs::path& logs) {
  const detail::StoreOptions options = reading_options(logs);
  OpenDatabase opened;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      options.db, copy.string(), options.families, &opened.handles, &db);
  if (status.ok()) opened.db.reset(db);
  return status;
}

void discard(const fs::path& path) noexcept {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

// A name that is free: one process may make many copies, and several processes may share scratch.
Result<fs::path> fresh_directory(const fs::path& scratch) {
  std::error_code error;
  fs::create_directories(scratch, error);
  std::string name = (scratch / "copy-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    return fail(ErrorCode::io_error, scratch.string() + ": cannot make a directory in it");
  }
  return fs::path(name);
}

// Marks the copy as a store and leaves nothing else of the work behind.
Result<fs::path> hand_over(const fs::path& path, const fs::path& base, const fs::path& copy) {
  const fs::path kept = base.string() + ".store";
  std::error_code error;
  fs::copy_file(path / detail::kMarkerFile, copy / detail::kMarkerFile, error);
  if (!error) fs::permissions(copy, fs::perms::owner_all, error);
  if (!error) fs::rename(copy, kept, error);
  discard(base);
  if (error) return fail(ErrorCode::io_error, kept.string() + ": " + error.message());
  return kept;
}

}  // namespace

Result<fs::path> checkpoint_of_live_store(const fs::path& path, const fs::path& scratch_dir) {
  CAVEAT_ASSIGN(const detail::DirectoryState state, detail::inspect_directory(path));
  if (state != detail::DirectoryState::marked) {
    return fail(ErrorCode::not_found, "there is no caveat store at " + path.string());
  }
  CAVEAT_ASSIGN(const bool exists, detail::holds_database(path));
  if (!exists) return fail(ErrorCode::not_found, path.string() + " has no data yet");
  CAVEAT_ASSIGN(const fs::path base, fresh_directory(scratch_dir));
  const fs::path copy = base / "store";
  const fs::path logs = base / "logs";

  rocksdb::Status status;
  bool changed = false;
  auto pause = std::chrono::milliseconds(5);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const ManifestState before = manifest_state(path);
    status = copy_once(path, logs, copy);
    changed = !(manifest_state(path) == before);
    if (status.ok() && !changed) {
      status = verify(copy, logs);
      if (status.ok()) return hand_over(path, base, copy);
    }
    discard(copy);
    discard(fs::path(copy.string() + ".tmp"));  // of a checkpoint that failed half way
    // An error of files that stand still will not go away.
    if (!status.ok() && !changed && attempt >= 3) break;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kPauseMax);
  }
  discard(base);
  if (status.ok() || changed) {
    return fail(ErrorCode::busy, path.string() + " kept changing while it was copied; try again");
  }
  return fail(detail::to_error(status, path.string() + ", while copying"));
}

}  // namespace caveat
