// Opening and closing.
#include <new>
#include <utility>

#include "adapters/rocksdb/current_file.h"
#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/log_check.h"
#include "adapters/rocksdb/manifest_check.h"
#include "adapters/rocksdb/manifest_watch.h"
#include "adapters/rocksdb/private_files.h"
#include "adapters/rocksdb/spare_copy.h"
#include "adapters/rocksdb/status.h"
#include "engine/maintenance/start_thread.h"
#include "pool/invariant.h"

namespace caveat::detail {
namespace {

// What Open's statuses mean for the caller, who has a directory and no call to correct.
StorageError open_error(const std::filesystem::path& path, const StoreNames& names,
                        const rocksdb::Status& status) {
  const std::string text = names.in(status.ToString());
  if (text.find("lock file") != std::string::npos || text.find("lock hold") != std::string::npos) {
    return {ErrorCode::locked, names.shown() +
                                   " is open in a program that uses RocksDB directly (" +
                                   database_lock_owner(path) + "): " + text};
  }
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  // RocksDB opens CURRENT to see whether its options and the file system go together, and takes an
  // error of the disk for a no. Direct I/O is never asked for.
  const bool tried_current =
      says("Direct I/O is not supported") || says("options incompatible with filesystem");
  if (tried_current && !says("No such file")) {
    return {ErrorCode::io_error, names.shown() + ": CURRENT could not be opened: " + text};
  }
  // Families, comparators or table formats that this version does not know.
  if (!tried_current && (status.IsInvalidArgument() || status.IsNotSupported())) {
    return {ErrorCode::unsupported_format, names.shown() + ": " + text};
  }
  // RocksDB takes a table whose size it cannot ask for as damage, and settings that it cannot read
  // as those of another version. A full disk is told by its subcode.
  if (error_code(status) != ErrorCode::no_space && says("IO error") && !says("No such file")) {
    return {ErrorCode::io_error, names.shown() + ": " + text};
  }
  // The file it names should be there.
  if (says("No such file")) {
    return names.opening_error(rocksdb::Status::Corruption(text), names.shown());
  }
  return names.opening_error(status, names.shown());
}

RocksdbBackendOptions watched(RocksdbBackendOptions options, OnManifest told) {
  auto env = with_current_last(std::static_pointer_cast<rocksdb::Env>(options.env));
  if (!env) env = {private_files_env(), [](rocksdb::Env*) {}};
  options.env = with_manifest_watch(env, std::move(told));
  return options;
}

}  // namespace

RocksdbBackend::RocksdbBackend(const std::filesystem::path& path,
                               const RocksdbBackendOptions& options, DirectoryLock lock)
    : path_(path),
      names_(path.string(), shown_path(path).string()),
      lock_(std::move(lock)),
      options_(watched(options, [this](const ManifestNote& note) { lock_.note_manifest(note); })),
      events_(std::make_shared<StoreEvents>(names_)),
      store_(make_store_options(options_, path, events_)) {
  store_.gate->set_condition([this] { return no_writer_inside(); });
}

RocksdbBackend::~RocksdbBackend() {
  CAVEAT_ASSERT(live_ == 0);
  live_ = 0;
  try {
    static_cast<void>(close());
  } catch (const std::bad_alloc&) {  // not tidied up: the log has everything
    end_database().PermitUncheckedError();
  }
}

rocksdb::Status RocksdbBackend::end_database() {
  rocksdb::Status status;
  if (!db_) return status;
  for (rocksdb::ColumnFamilyHandle*& family : handles_) {
    if (family == nullptr) continue;
    const rocksdb::Status ended = db_->DestroyColumnFamilyHandle(std::exchange(family, nullptr));
    if (status.ok()) status = ended;
  }
  const rocksdb::Status ended = db_->Close();
  if (status.ok()) status = ended;
  db_.reset();
  store_.gate->set_condition(nullptr);
  return status;
}

Result<std::unique_ptr<RocksdbBackend>> RocksdbBackend::open(const std::filesystem::path& path,
                                                             const RocksdbBackendOptions& options,
                                                             DirectoryLock lock) {
  std::unique_ptr<RocksdbBackend> made(new RocksdbBackend(path, options, std::move(lock)));
  CAVEAT_TRY(made->open_database());
  return made;
}

Result<void> RocksdbBackend::open_database() {
  CAVEAT_ASSIGN(const bool exists, holds_database(path_));
  store_.db.create_if_missing = !exists;
  if (exists) {
    CAVEAT_ASSIGN(const ManifestEnd known,
                  check_manifest(path_, names_.shown(), lock_.logs(), lock_.manifest()));
    CAVEAT_ASSIGN(const LogEnd end, check_logs(path_, names_.shown(), lock_.logs()));
    if (!known.name.empty()) CAVEAT_TRY(cut_file(path_ / known.name, known.offset));
    if (end.log != 0) CAVEAT_TRY(cut_logs(path_, end));
  }
  // RocksDB starts its own while it opens, and what it throws for want of one leaves its lock
  // behind.
  std::thread any;
  CAVEAT_TRY(start_thread(any, "RocksDB", [] {}));
  any.join();
  const OpenLogs logs = lock_.logs();
  const std::uint64_t newest = newest_table(path_);
  // From here on RocksDB may be done with them. A store that was closed gets one MANIFEST, synced
  // before it is the current one, and no log: there is nothing that a lost boot would explain.
  const bool settled = exists && logs.newest == 0 && logs.boot.empty();
  CAVEAT_TRY(lock_.set_logs({0, 0, this_boot()}, /*sync=*/!settled));
  // A note of an opening that loss of power undid: this one may give its MANIFEST that number
  // again.
  CAVEAT_ASSIGN(const std::string manifest, current_manifest(path_));
  if (manifest_number(manifest) != lock_.manifest().number) lock_.note_manifest({});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto open = [&] {
    return rocksdb::DB::Open(store_.db, path_.string(), store_.families, &handles, &db);
  };
  rocksdb::Status status = open();
  if (!status.ok()) {
    const StorageError error = open_error(path_, names_, status);
    if (error.code() != ErrorCode::corruption) return fail(error);
    CAVEAT_ASSIGN(const Damage damage, find_damage());
    if (damage.none()) return fail(error);
    if (damage.primary) return open_to_read(*damage.primary, logs);
    CAVEAT_TRY(drop_families(damage.indexes));
    status = open();
    if (!status.ok()) return fail(open_error(path_, names_, status));
  }
  db_.reset(db);
  CAVEAT_ASSERT(handles.size() == kFamilyCount);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  events_->quarantine().begin(*db_, handles_);
  note_found_tables(newest);
  CAVEAT_TRY(note_log(/*sync=*/true));
  std::error_code unknown;
  if (!settled || !std::filesystem::exists(path_ / kSpareFile, unknown)) {
    outdated_letters_ = ~std::uint32_t{0};
  }
  if (exists) renew_spare(kSparedLetters);
  if (db_->GetLatestSequenceNumber() > 0) return {};
  // 7.8 may drop what a snapshot of an entirely empty database protects: make it not so.
  const rocksdb::Status first = db_->Delete({}, handle(Family::meta), kUnusedKey);
  if (!first.ok()) return fail(names_.error(first, names_.shown()));
  return {};
}

// Puts the number of the current log where the next open looks for it.
Result<void> RocksdbBackend::note_log(bool sync) {
  const std::lock_guard lock(log_mutex_);
  std::unique_ptr<rocksdb::LogFile> log;
  OpenLogs logs = lock_.logs();
  if (!db_->GetCurrentWalFile(&log).ok() || !log || log->LogNumber() <= logs.newest) return {};
  // A log that is named must be there after a loss of power. RocksDB syncs the directory only with
  // the first write that is synced.
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus status =
      store_.db.env->GetFileSystem()->NewDirectory(path_.string(), {}, &directory, nullptr);
  if (status.ok()) status = directory->Fsync({}, nullptr);
  if (!status.ok()) return fail(names_.error(status, names_.shown() + ": sync of the directory"));
  logs.boot = this_boot();
  logs.newest = log->LogNumber();
  if (logs.first == 0) logs.first = logs.newest;
  return lock_.set_logs(logs, sync);
}

// Leaves the directory as small as it can cheaply be: what is in memtables goes to files, so the
// logs go; and the files of delta, nearly all of which is erased by now, are rewritten.
rocksdb::Status RocksdbBackend::settle_files() {
  logged_bytes_.store(0, std::memory_order_relaxed);
  const std::shared_lock families(families_mutex_);
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;
  const rocksdb::Status status = db_->Flush(options, all);
  if (!status.ok()) return status;
  std::uint64_t delta_bytes = 0;
  if (db_->GetIntProperty(handle(Family::delta), rocksdb::DB::Properties::kLiveSstFilesSize,
                          &delta_bytes) &&
      delta_bytes > 0) {
    compact_range(Family::delta, nullptr).PermitUncheckedError();  // saves space, no more
  }
  return sync_log();
}

Result<void> RocksdbBackend::close() {
  const std::unique_lock alone(open_mutex_);
  if (!db_) return {};
  if (live_ > 0) {
    return fail(ErrorCode::busy, names_.shown() + " still has " + std::to_string(live_.load()) +
                                     " iterators or snapshots");
  }
  events_->quarantine().end();
  if (read_only_) {
    end_database().PermitUncheckedError();  // there was nothing to write
    lock_.release();
    return {};
  }
  // With its writer in error the log must not be touched: that would abort the process.
  const bool writable = check_writable().has_value();
  rocksdb::Status status = writable ? settle_files() : events_->stopped_by();
  if (status.ok()) renew_spare(kSparedLetters);
  const rocksdb::Status ended = end_database();
  if (status.ok()) status = ended;
  // Until it is known to be closed, its logs stay.
  if (status.ok() && lock_.set_logs({}, /*sync=*/true)) tidy_directory(path_);
  lock_.release();
  if (status.ok()) return {};
  return fail(names_.error(status, names_.shown() +
                                       ": closed, and all that was acknowledged is in its log, but "
                                       "not all could be tidied up"));
}

}  // namespace caveat::detail

namespace caveat {

Result<std::unique_ptr<KvBackend>> open_rocksdb_backend(const std::filesystem::path& path,
                                                        const RocksdbBackendOptions& options) {
  using detail::DirectoryState;
  CAVEAT_ASSIGN(DirectoryState state, detail::inspect_directory(path));
  if (state != DirectoryState::marked && !options.create_if_missing) {
    return fail(ErrorCode::not_found, "there is no caveat store at " + path.string());
  }
  if (state == DirectoryState::absent) CAVEAT_TRY(detail::make_directory(path));
  CAVEAT_ASSIGN(detail::DirectoryLock lock, detail::DirectoryLock::acquire(path));
  // Again, now that nobody else can be making it.
  CAVEAT_ASSIGN(state, detail::inspect_directory(path));
  if (state == DirectoryState::marked && options.error_if_exists) {
    return fail(ErrorCode::already_exists, "there is a caveat store at " + path.string());
  }
  if (state == DirectoryState::empty) CAVEAT_TRY(detail::write_marker(path));
  CAVEAT_ASSIGN(std::unique_ptr<KvBackend> backend,
                detail::RocksdbBackend::open(path, options, std::move(lock)));
  return backend;
}

}  // namespace caveat
