#include "adapters/rocksdb/store_events.h"

#include <algorithm>
#include <optional>

#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/status.h"

namespace caveat::detail {
namespace {

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
  if (!family || !info.status.ok()) return;
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

void StoreEvents::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                    rocksdb::Status* status) {
  if (status == nullptr || status->ok()) return;
  const StorageError error = to_error(*status, reason_name(reason));
  observer_.notify([&](KvObserver& o) { o.on_background_error(error); });
}

}  // namespace caveat::detail
