#include "adapters/rocksdb/store_events.h"

#include <algorithm>
#include <optional>

#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/status.h"

namespace caveat::detail {
namespace {

constexpr auto kReportPause = std::chrono::seconds(30);

std::optional<Family> family_named(const std::string& name) {
  if (name == rocksdb::kDefaultColumnFamilyName) return Family::meta;
  for (const Family family : kFamilies) {
    if (name == to_string(family)) return family;
  }
  return std::nullopt;
}

StallState state_of(rocksdb::WriteStallCondition condition) {
  switch (condition) {
    case rocksdb::WriteStallCondition::kNormal:
      return StallState::normal;
    case rocksdb::WriteStallCondition::kDelayed:
      return StallState::delayed;
    case rocksdb::WriteStallCondition::kStopped:
      return StallState::stopped;
  }
  return StallState::normal;
}

const char* reason_name(rocksdb::BackgroundErrorReason reason) {
  switch (reason) {
    case rocksdb::BackgroundErrorReason::kFlush:
    case rocksdb::BackgroundErrorReason::kFlushNoWAL:
      return "flush in the background";
    case rocksdb::BackgroundErrorReason::kCompaction:
      return "compaction in the background";
    case rocksdb::BackgroundErrorReason::kWriteCallback:
      return "write to the log";
    case rocksdb::BackgroundErrorReason::kMemTable:
      return "insertion into a memtable";
    case rocksdb::BackgroundErrorReason::kManifestWrite:
    case rocksdb::BackgroundErrorReason::kManifestWriteNoWAL:
      return "write to the manifest";
  }
  return "background work";
}

}  // namespace

void StoreEvents::OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) {
  const auto family = family_named(info.cf_name);
  if (family) observer_.notify([&](KvObserver& o) { o.on_flush_done(*family); });
}

void StoreEvents::OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) {
  const auto family = family_named(info.cf_name);
  if (!family) return;
  if (!info.status.ok()) return report_compaction(*family, info.cf_id, info.status);
  observer_.notify([&](KvObserver& o) {
    o.on_compaction_done(*family, info.stats.total_input_bytes, info.stats.total_output_bytes);
  });
}

void StoreEvents::OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) {
  const auto family = family_named(info.cf_name);
  if (!family) return;
  StallState now;
  {
    const std::lock_guard lock(stall_mutex_);
    family_stalls_[static_cast<std::size_t>(*family)] = state_of(info.condition.cur);
    now = *std::max_element(family_stalls_.begin(), family_stalls_.end());
    if (now == stall_) return;
    const auto time = Clock::now();
    if (stall_ == StallState::normal) {
      ++stall_count_;
      stalled_since_ = time;
    } else if (now == StallState::normal) {
      stalled_for_ += std::chrono::duration_cast<std::chrono::microseconds>(time - stalled_since_);
    }
    stall_ = now;
  }
  observer_.notify([&](KvObserver& o) { o.on_stall(now); });
}

void StoreEvents::report_stalls(KvProperties& properties) const {
  const std::lock_guard lock(stall_mutex_);
  auto total = stalled_for_;
  if (stall_ != StallState::normal) {
    total += std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - stalled_since_);
  }
  properties.stall = stall_;
  properties.stall_count = stall_count_;
  properties.stall_micros = static_cast<std::uint64_t>(total.count());
}

void StoreEvents::add_wait(std::chrono::microseconds time) {
  const std::lock_guard lock(stall_mutex_);
  ++stall_count_;
  stalled_for_ += time;
}

// A failed compaction loses nothing: its input stays. Damage does not go away by trying again, so
// the family is left alone from now on; anything else is tried again by RocksDB after a second.
void StoreEvents::report_compaction(Family family, std::uint32_t id,
                                    const rocksdb::Status& status) {
  if (status.IsShutdownInProgress() || status.IsColumnFamilyDropped() || status.IsIncomplete() ||
      status.IsAborted() || status.IsBusy()) {
    return;
  }
  std::string what = "compaction of " + std::string(to_string(family));
  const bool damage = status.subcode() != rocksdb::Status::kNoSpace;
  if (damage) {
    if (!quarantine_.add(family, id)) return;
    what += ", which stays off until the store is opened again";
  } else {
    const auto now = Clock::now().time_since_epoch().count();
    auto last = last_report_.load();
    const auto pause = Clock::duration(kReportPause).count();
    if ((last != 0 && now - last < pause) || !last_report_.compare_exchange_strong(last, now)) {
      return;
    }
  }
  const StorageError error = names_.error(status, what);
  observer_.notify([&](KvObserver& o) {
    if (damage) {
      o.on_family_damaged(family, error);
    } else {
      o.on_background_error(error);
    }
  });
}

void StoreEvents::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                    rocksdb::Status* status) {
  using rocksdb::BackgroundErrorReason;
  using rocksdb::Status;
  if (status == nullptr || status->ok()) return;
  // Reported when the compaction ended; it must not stop writes.
  if (reason == BackgroundErrorReason::kCompaction) {
    *status = Status::OK();
    return;
  }
  // A log that could not be begun is a fatal error to RocksDB, for rows may be lost. They are not
  // if the log is known to be in error: then all that was acknowledged is in memtables.
  if (reason == BackgroundErrorReason::kMemTable && (renewing_ || stopped_)) {
    *status = Status(*status, Status::kHardError);
    return;
  }
  {
    const std::lock_guard lock(stop_mutex_);
    stopped_by_ = *status;
  }
  if (!stopped_) sealed_at_stop_ = memtables_sealed_.load();
  stopped_.store(true, std::memory_order_release);
  const StorageError error = names_.error(*status, reason_name(reason));
  observer_.notify([&](KvObserver& o) { o.on_background_error(error); });
}

rocksdb::Status StoreEvents::stopped_by() const {
  const std::lock_guard lock(stop_mutex_);
  return stopped_by_;
}

void StoreEvents::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  info.old_bg_error.PermitUncheckedError();
  if (!info.new_bg_error.ok() || renewing_) return;
  if (memtables_sealed_ == sealed_at_stop_) {
    needs_log_ = true;
  } else {
    log_renewed();
  }
}

void StoreEvents::log_renewed() noexcept {
  needs_log_ = false;
  stopped_.store(false, std::memory_order_release);
}

}  // namespace caveat::detail
