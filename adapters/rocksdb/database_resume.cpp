// Out of the state in which RocksDB refuses writes.
//
// A write to the log that fails (a full disk, mostly) leaves the log's writer unusable, and RocksDB
// refuses writes. When there is room again it resumes: it writes all memtables out and begins a new
// log, if any memtable has a row. If none has, it keeps the old log, and the next write to that
// aborts the process (an assertion of 7.8, which Debian builds with). So after such a resumption
// writes go on being refused here, until one of them has seen to a new log: it puts a row into a
// memtable, past the log, whose flush must then begin a new one. The old log's writer fails that
// and stops RocksDB once more, but now DB::Resume finds a row, and nothing else is going on.
#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/status.h"

namespace caveat::detail {
namespace {

constexpr auto kRenewPause = std::chrono::milliseconds(500);

}  // namespace

rocksdb::Status RocksdbBackend::renew_log() {
  rocksdb::WriteOptions past_the_log;
  past_the_log.disableWAL = true;
  if (!renewing_) {
    const rocksdb::Status put = db_->Delete(past_the_log, handle(Family::meta), kUnusedKey);
    if (!put.ok()) return put;
    renewing_ = true;
    db_->Flush({}, handle(Family::meta)).PermitUncheckedError();
  }
  return db_->Resume();
}

Result<void> RocksdbBackend::check_writable() {
  if (!events_->stopped()) return {};
  if (events_->needs_log()) {
    const std::lock_guard turn(turnstile_);
    const std::unique_lock alone(write_mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (events_->needs_log() && now - last_renewal_ >= kRenewPause) {
      last_renewal_ = now;
      events_->set_renewing(true);
      const bool renewed = renew_log().ok();
      events_->set_renewing(false);
      if (renewed) {
        renewing_ = false;
        events_->log_renewed();
      }
    }
  }
  if (events_->stopped()) return fail(stopped_error());
  return {};
}

// Asked by RocksDB before it resumes: nobody may be on the way to the log.
bool RocksdbBackend::no_writer_inside() {
  constexpr int kTries = 50;
  for (int i = 0; i < kTries; ++i) {
    const std::unique_lock alone(write_mutex_, std::try_to_lock);
    if (alone.owns_lock()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

StorageError RocksdbBackend::stopped_error() const {
  const rocksdb::Status status = events_->stopped_by();
  if (error_code(status) == ErrorCode::no_space) {
    return names_.error(status,
                        names_.shown() +
                            ": the disk is full; reads go on, and writes will a few seconds "
                            "after there is room");
  }
  return names_.error(status,
                      names_.shown() +
                          ": writes are refused since an error in the background, until the "
                          "store is opened again");
}

}  // namespace caveat::detail
