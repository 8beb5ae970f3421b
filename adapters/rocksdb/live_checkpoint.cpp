// A secondary instance reads the owner's files without locks and writes nothing among them;
// RocksDB's checkpoint of that instance links or copies what it needs. Neither is documented to
// work together, so the result is checked twice: the owner's MANIFEST must not have changed
// meanwhile (then no file that the copy needs was made obsolete, and no log was dropped for a
// table file that the secondary had not seen), and the copy must open.
#include "adapters/rocksdb/live_checkpoint.h"

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/discard.h"
#include "adapters/rocksdb/found_tables.h"
#include "adapters/rocksdb/log_check.h"
#include "adapters/rocksdb/manifest_check.h"
#include "adapters/rocksdb/manifest_edits.h"
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
  state.name = detail::current_manifest(path).value_or(std::string());
  std::error_code error;
  const auto size = fs::file_size(path / state.name, error);
  if (!error) state.size = size;
  return state;
}

// A secondary instance takes this for a change of MANIFESTs under way, and says "try again".
bool manifest_is_missing(const fs::path& path) {
  const ManifestState state = manifest_state(path);
  std::error_code error;
  return state.name.empty() || !fs::exists(path / state.name, error);
}

// Which logs the copy must have; and those with nothing in them, which a checkpoint leaves out.
struct LogState {
  detail::OpenLogs open;
  std::vector<fs::path> empty;
};

LogState log_state(const fs::path& path) {
  LogState state{detail::open_logs_of(path), {}};
  static_cast<void>(detail::for_each_name(path, [&](std::string_view name) {
    std::error_code gone;
    if (name.ends_with(".log") && fs::file_size(path / name, gone) == 0 && !gone) {
      state.empty.emplace_back(name);
    }
    return true;
  }));
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

// Links where that is allowed, else copies: linking another user's files may be forbidden
// (fs.protected_hardlinks), and RocksDB copies only where links are not known at all.
class LinkOrCopy final : public rocksdb::FileSystemWrapper {
 public:
  LinkOrCopy() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "caveat.LinkOrCopy"; }
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::LinkFile(from, to, options, debug);
    if (status.ok() || status.IsPathNotFound()) return status;
    return rocksdb::IOStatus::NotSupported(status.ToString());
  }
};

std::shared_ptr<rocksdb::Env> link_or_copy_env() {
  // For ever: databases and threads of RocksDB's may outlast any owner.
  static const auto* const env =
      new std::shared_ptr<rocksdb::Env>(rocksdb::NewCompositeEnv(std::make_shared<LinkOrCopy>()));
  return *env;
}

detail::StoreOptions reading_options(const fs::path& log_directory) {
  RocksdbBackendOptions small;
  small.block_cache_bytes = std::size_t{8} << 20;
  small.env = link_or_copy_env();
  small.max_open_files = -1;  // a secondary keeps what it has found open
  detail::StoreOptions options = detail::make_store_options(small, log_directory, nullptr);
  options.db.create_missing_column_families = false;
  options.db.db_log_dir = log_directory.string();
  return options;
}

// An end of the MANIFEST that is missing is a store as it was once, which RocksDB would copy. Of a
// store that changes meanwhile nothing is said, its owner has looked.
Result<void> check_manifest_of(const fs::path& path) {
  const detail::ManifestNote note = detail::manifest_note_of(path);
  const auto sound = detail::check_manifest_end(path, path, detail::open_logs_of(path), note);
  const detail::ManifestNote now = detail::manifest_note_of(path);
  if (now.number != note.number || now.bytes != note.bytes) return {};
  return sound;
}

// RocksDB replays what it finds, and ends the process where that is no sequence of batches.
rocksdb::Status check_logs_of(const fs::path& path) {
  detail::OpenLogs open = detail::open_logs_of(path);
  if (!open.power_lost()) open = {};  // whoever has it open drops logs meanwhile
  const auto sound = detail::check_logs(path, path, std::move(open));
  if (sound) return rocksdb::Status::OK();
  return sound.error().code() == ErrorCode::corruption
             ? rocksdb::Status::Corruption(sound.error().message())
             : rocksdb::Status::IOError(sound.error().message());
}

rocksdb::Status copy_once(const fs::path& path, const fs::path& logs, const fs::path& copy) {
  if (auto unsound = check_logs_of(path); !unsound.ok()) return unsound;
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

// All files as they are: of a store that RocksDB cannot read, so that opening the copy says why, or
// does without what can be done without.
Result<void> copy_files(const fs::path& path, const fs::path& copy) {
  std::error_code error;
  fs::create_directory(copy, error);
  const auto unlisted = detail::for_each_name(path, [&](std::string_view name) {
    const fs::path file = path / name;
    std::error_code gone;
    if (!fs::is_regular_file(file, gone) || name == "LOCK" || name == detail::kLockFile ||
        name == detail::kMarkerFile || name.starts_with("LOG")) {
      return true;
    }
    std::error_code unlinked = std::make_error_code(std::errc::not_supported);
    if (name.ends_with(".sst")) fs::create_hard_link(file, copy / name, unlinked);
    if (unlinked) fs::copy_file(file, copy / name, error);
    return !error;
  });
  if (!error) error = unlisted;
  if (!error) return {};
  const bool full = error.value() == ENOSPC || error.value() == EDQUOT;
  return fail(full ? ErrorCode::no_space : ErrorCode::io_error,
              copy.string() + ": " + error.message());
}

// Marks the copy as a store, says of which, and leaves nothing else of the work behind.
Result<fs::path> hand_over(const fs::path& path, const fs::path& base, const fs::path& copy,
                           const LogState& logs) {
  const fs::path kept = base.string() + ".store";
  std::error_code error;
  fs::copy_file(path / detail::kMarkerFile, copy / detail::kMarkerFile, error);
  if (!error) {
    std::ofstream(copy / detail::kOriginFile) << path.string() << '\0';
    CAVEAT_ASSIGN(detail::DirectoryLock lock, detail::DirectoryLock::acquire(copy));
    CAVEAT_TRY(lock.set_logs(logs.open, /*sync=*/false));
    for (const fs::path& name : logs.empty) std::ofstream(copy / name, std::ios::app);
  }
  if (!error) fs::permissions(copy, fs::perms::owner_all, error);
  if (!error) fs::rename(copy, kept, error);
  detail::discard(base);
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
  CAVEAT_TRY(check_manifest_of(path));
  CAVEAT_ASSIGN(const fs::path base, fresh_directory(scratch_dir));
  const fs::path copy = base / "store";
  const fs::path logs = base / "logs";

  LogState logs_before;
  rocksdb::Status status;
  bool changed = false;
  auto pause = std::chrono::milliseconds(5);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const ManifestState before = manifest_state(path);
    logs_before = log_state(path);
    status = copy_once(path, logs, copy);
    changed = !(manifest_state(path) == before);
    if (status.ok() && !changed) {
      status = verify(copy, logs);
      if (status.ok()) return hand_over(path, base, copy, logs_before);
    }
    detail::discard(copy);
    detail::discard(fs::path(copy.string() + ".tmp"));  // of a checkpoint that failed half way
    // An error of files that stand still will not go away.
    if (!status.ok() && !changed && attempt >= 2) break;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kPauseMax);
  }
  if (!status.ok() && !changed && manifest_is_missing(path)) {
    status =
        rocksdb::Status::Corruption((path / manifest_state(path).name).string() + " is missing");
  }
  if (!status.ok() && !changed && detail::error_code(status) == ErrorCode::corruption) {
    const ManifestState before = manifest_state(path);
    logs_before = log_state(path);
    const auto copied = copy_files(path, copy);
    changed = !(manifest_state(path) == before);
    if (copied && !changed) return hand_over(path, base, copy, logs_before);
  }
  detail::discard(base);
  // Of a creation that was cut short: the next opening goes on with it.
  if (!changed && status.IsInvalidArgument() && !detail::has_logged(path) &&
      detail::newest_table(path) == 0) {
    return fail(ErrorCode::not_found, path.string() + " has no data yet");
  }
  if (status.ok() || changed) {
    return fail(ErrorCode::busy, path.string() + " kept changing while it was copied; try again");
  }
  const detail::StoreNames names(copy.string(), path.string());
  return fail(names.error(status, path.string() + ", while copying"));
}

}  // namespace caveat
