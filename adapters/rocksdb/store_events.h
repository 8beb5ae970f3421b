// What RocksDB reports, passed on to the engine's observer.
//
// RocksDB calls from its background threads, some calls with a lock of its own held. Nothing here
// blocks or calls the database; the observer is asked to do the same.
#pragma once

#include <rocksdb/listener.h>
#include <rocksdb/table_properties.h>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/memory/observer_slot.h"
#include "adapters/rocksdb/quarantine.h"
#include "adapters/rocksdb/status.h"
#include "caveat/kv_backend.h"

namespace caveat::detail {

class StoreEvents final : public rocksdb::EventListener {
 public:
  explicit StoreEvents(StoreNames names) : names_(std::move(names)) {}

  [[nodiscard]] const StoreNames& names() const noexcept { return names_; }
  ObserverSlot& observer() noexcept { return observer_; }
  CompactionQuarantine& quarantine() noexcept { return quarantine_; }

  // An error in the background made RocksDB refuse writes; see database_resume.cpp.
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }
  [[nodiscard]] rocksdb::Status stopped_by() const;
  // RocksDB resumed, but with the log whose writer is in error. stopped() stays.
  [[nodiscard]] bool needs_log() const noexcept { return needs_log_; }
  // While it is set, a failed change of memtables is an error to resume from.
  void set_renewing(bool renewing) noexcept { renewing_ = renewing; }
  void log_renewed() noexcept;

  // Since it was last asked.
  [[nodiscard]] bool take_log_changed() noexcept {
    return log_changed_.load(std::memory_order_acquire) &&
           log_changed_.exchange(false, std::memory_order_acq_rel);
  }

  void ask_log_again() noexcept { log_changed_.store(true, std::memory_order_release); }

  // Fills in the stall fields, a stall that is going on included.
  void report_stalls(KvProperties& properties) const;

  // A write that was held back outside of RocksDB counts as a stall of its own.
  void add_wait(std::chrono::microseconds time);

  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  void OnMemTableSealed(const rocksdb::MemTableInfo&) override {
    ++memtables_sealed_;
    log_changed_.store(true, std::memory_order_release);
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;

 private:
  using Clock = std::chrono::steady_clock;
  void report_compaction(Family family, std::uint32_t id, const rocksdb::Status& status);

  const StoreNames names_;
  ObserverSlot observer_;
  CompactionQuarantine quarantine_;
  std::atomic<bool> stopped_{false};
  mutable std::mutex stop_mutex_;
  rocksdb::Status stopped_by_;
  std::atomic<bool> needs_log_{false};
  std::atomic<bool> renewing_{false};
  // A memtable that is sealed brings a new log with it.
  std::atomic<std::uint64_t> memtables_sealed_{0};
  std::atomic<std::uint64_t> sealed_at_stop_{0};
  std::atomic<bool> log_changed_{false};
  std::atomic<Clock::rep> last_report_{0};  // of a compaction that will be tried again
  mutable std::mutex stall_mutex_;
  std::array<StallState, kFamilyCount> family_stalls_{};
  StallState stall_ = StallState::normal;  // the worst of the families
  Clock::time_point stalled_since_{};
  std::uint64_t stall_count_ = 0;
  std::chrono::microseconds stalled_for_{0};
};

// Asks the observer about each value that goes into a table file of the family, and reports the
// keys it wants rewritten when the file is complete. Operands without a base are asked about too:
// a chain that is long by itself is not shorter with a base before it.
[[nodiscard]] std::shared_ptr<rocksdb::TablePropertiesCollectorFactory>
make_rewrite_collector_factory(Family family, std::shared_ptr<StoreEvents> events,
                               std::size_t candidates_max);

}  // namespace caveat::detail
