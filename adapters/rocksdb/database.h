// The KvBackend over one open RocksDB database.
#pragma once

#include <rocksdb/db.h>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "adapters/rocksdb/found_tables.h"
#include "adapters/rocksdb/live_files.h"
#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/status.h"
#include "adapters/rocksdb/store_directory.h"
#include "adapters/rocksdb/store_events.h"
#include "caveat/kv_backend.h"

namespace caveat::detail {

// A key of meta that means nothing.
inline constexpr const char* kUnusedKey = "caveat";

// Of tables, as find_damage() sees it.
struct Damage {
  std::bitset<kFamilyCount> indexes;
  std::optional<StorageError> primary;  // names the files
  [[nodiscard]] bool none() const noexcept { return indexes.none() && !primary; }
};

class RocksdbBackend final : public KvBackend {
 public:
  // The directory is checked, marked and locked.
  [[nodiscard]] static Result<std::unique_ptr<RocksdbBackend>> open(
      const std::filesystem::path& path, const RocksdbBackendOptions& options, DirectoryLock lock);
  ~RocksdbBackend() override;

  Result<void> write(const KvBatch& batch, Durability durability) override;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override;
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override;
  Result<std::unique_ptr<KvIterator>> iterate_below(Family family, std::string_view end,
                                                    const KvSnapshot* snapshot,
                                                    bool readahead) override;
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override;
  Result<void> flush() override;
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override;
  Result<void> clear(Family family) override;
  std::optional<StorageError> read_only() const override { return read_only_; }
  Result<KvProperties> properties() const override;
  const FamilyBytes& found_bytes() const noexcept { return found_bytes_; }
  bool persistent() const noexcept override { return true; }
  void set_observer(KvObserver* observer) override { events_->observer().set(observer); }
  Result<void> close() override;

  // The store's; of a copy for inspection that of the store it is of.
  [[nodiscard]] std::filesystem::path shown_directory() const { return names_.shown(); }

  // Of everything that was written before the call. Until they are let go, nothing is deleted, and
  // close() gives busy.
  [[nodiscard]] Result<std::unique_ptr<LiveFiles>> live_files();

 private:
  RocksdbBackend(const std::filesystem::path& path, const RocksdbBackendOptions& options,
                 DirectoryLock lock);

  Result<void> open_database();
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const noexcept {
    return handles_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] tl::unexpected<StorageError> closed() const;
  Result<std::unique_ptr<KvIterator>> make_iterator(Family family, const std::string* end,
                                                    const KvSnapshot* snapshot, bool readahead);
  void wait_for_flushes();
  Result<void> add_to(rocksdb::WriteBatch& out, const KvBatch& batch) const;
  Result<void> erase_each(rocksdb::WriteBatch& out, const KvBatch& batch, std::size_t index) const;
  rocksdb::Status compact_range(Family family, std::atomic<bool>* canceled);
  rocksdb::Status settle_files();
  rocksdb::Status sync_log();
  // Without tidying up.
  rocksdb::Status end_database();
  Result<void> note_log(bool sync);
  // caveat.spare, where it is older than one of `letters`. A failure costs nobody anything now.
  void renew_spare(std::string_view letters) noexcept;
  void note_spared(const KvBatch& batch) noexcept;
  void note_log_after_write() noexcept;

  // --- database_repair.cpp ---
  Result<Damage> find_damage();
  Result<void> drop_families(std::bitset<kFamilyCount> families);
  Result<void> open_to_read(const StorageError& damage, OpenLogs logs);
  void note_found_tables(std::uint64_t newest);  // whose number is at most that

  // --- database_resume.cpp ---
  // An error while RocksDB refuses writes.
  Result<void> check_writable();
  rocksdb::Status renew_log();
  bool no_writer_inside();
  [[nodiscard]] StorageError stopped_error() const;

  std::filesystem::path path_;
  StoreNames names_;               // constant once the database is open
  DirectoryLock lock_;             // before the Env that tells it of the MANIFEST
  RocksdbBackendOptions options_;  // keeps that alive, and the injected one
  std::shared_ptr<StoreEvents> events_;
  StoreOptions store_;
  std::unique_ptr<rocksdb::DB> db_;  // null once closed
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> handles_{};
  std::optional<StorageError> read_only_;  // set when it was opened so
  FamilyBytes found_bytes_{};
  std::atomic<std::size_t> live_{0};
  std::atomic<std::uint64_t> logged_bytes_{0};  // since settle_files() last gave the log back

  std::atomic<std::uint32_t> outdated_letters_{0};  // of kSparedLetters, a bit for each
  std::mutex spare_mutex_;                          // one at a time writes it

  std::mutex log_mutex_;  // for what lock_ says of logs

  // Every call holds it shared while it uses db_; close() holds it alone.
  mutable std::shared_mutex open_mutex_;
  // clear() holds it alone, and open_mutex_ with all others, whose readers might never let it in.
  // Nobody uses its family meanwhile, but for those that hold this shared: who goes through all
  // families, and a compaction.
  mutable std::shared_mutex families_mutex_;
  // Writes hold it shared; one that must read what it erases holds it alone. Who wants it passes
  // the turnstile first, or a stream of writers would never let that one in.
  std::mutex turnstile_;
  std::shared_mutex write_mutex_;
  // Under write_mutex_, held alone.
  std::chrono::steady_clock::time_point last_renewal_{};
  bool renewing_ = false;
};

}  // namespace caveat::detail
