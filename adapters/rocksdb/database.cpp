// Reading, and the parts of RocksdbBackend that are neither writing nor opening.
#include "adapters/rocksdb/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <system_error>
#include <vector>

#include "adapters/rocksdb/rocksdb_handles.h"
#include "adapters/rocksdb/spare_copy.h"
#include "adapters/rocksdb/status.h"
#include "pool/invariant.h"

namespace caveat::detail {
namespace {

rocksdb::ReadOptions read_options(const KvSnapshot* snapshot) {
  rocksdb::ReadOptions options;
  if (snapshot != nullptr) options.snapshot = static_cast<const RocksdbSnapshot*>(snapshot)->get();
  return options;
}

// A log up to this long stays at a flush: writing out memtables makes a file of each family.
constexpr std::uint64_t kLogKeptMax = std::uint64_t{4} << 20;
constexpr std::size_t kReadaheadBytes = std::size_t{2} << 20;
constexpr auto kAskEvery = std::chrono::milliseconds(50);

}  // namespace

Result<void> RocksdbIterator::status() const {
  const rocksdb::Status status = iterator_->status();
  if (status.ok()) return {};
  return fail(names_.error(status, std::string(to_string(family_)) + ", while iterating"));
}

tl::unexpected<StorageError> RocksdbBackend::closed() const {
  return fail(ErrorCode::closed, "the store " + names_.shown() + " is closed");
}

Result<bool> RocksdbBackend::get(Family family, std::string_view key, const KvSnapshot* snapshot,
                                 std::string& value) {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  const rocksdb::Status status =
      db_->Get(read_options(snapshot), handle(family), slice(key), &value);
  if (status.ok()) return true;
  value.clear();
  if (status.IsNotFound()) return false;
  return fail(names_.error(status, family, key));
}

Result<void> RocksdbBackend::multi_get(Family family, std::span<const std::string_view> keys,
                                       const KvSnapshot* snapshot, std::span<std::string> values,
                                       std::span<bool> found) {
  CAVEAT_ASSERT(keys.size() == values.size() && keys.size() == found.size());
  // A duplicate makes 7.8 return wrong values.
  CAVEAT_ASSERT(std::is_sorted(keys.begin(), keys.end(), std::less_equal<>()));
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> read(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(read_options(snapshot), handle(family), slices.size(), slices.data(), read.data(),
                statuses.data(), /*sorted_input=*/true);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    found[i] = statuses[i].ok();
    if (!found[i] && !statuses[i].IsNotFound()) {
      return fail(names_.error(statuses[i], family, keys[i]));
    }
    values[i].assign(found[i] ? read[i].ToStringView() : std::string_view());
  }
  return {};
}

Result<std::unique_ptr<KvIterator>> RocksdbBackend::iterate(Family family,
                                                            const KvSnapshot* snapshot,
                                                            bool readahead) {
  return make_iterator(family, nullptr, snapshot, readahead);
}

Result<std::unique_ptr<KvIterator>> RocksdbBackend::iterate_below(Family family,
                                                                  std::string_view end,
                                                                  const KvSnapshot* snapshot,
                                                                  bool readahead) {
  const std::string bound(end);
  return make_iterator(family, &bound, snapshot, readahead);
}

Result<std::unique_ptr<KvIterator>> RocksdbBackend::make_iterator(Family family,
                                                                  const std::string* end,
                                                                  const KvSnapshot* snapshot,
                                                                  bool readahead) {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  rocksdb::ReadOptions options = read_options(snapshot);
  options.total_order_seek = true;
  if (readahead) {
    options.readahead_size = kReadaheadBytes;
    options.fill_cache = false;  // a scan must not push out what point reads need
  }
  std::unique_ptr<UpperBound> bound;
  if (end != nullptr) {
    bound = std::make_unique<UpperBound>(*end);
    options.iterate_upper_bound = &bound->slice;
  }
  std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options, handle(family)));
  return std::make_unique<RocksdbIterator>(family, std::move(bound), std::move(iterator), live_,
                                           names_);
}

Result<std::shared_ptr<const KvSnapshot>> RocksdbBackend::snapshot() {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  return std::make_shared<const RocksdbSnapshot>(*db_, live_);
}

// Not while a write may be failing: to sync a log whose writer is in error aborts the process.
rocksdb::Status RocksdbBackend::sync_log() {
  const std::lock_guard turn(turnstile_);
  const std::unique_lock alone(write_mutex_);
  return events_->stopped() ? events_->stopped_by() : db_->SyncWAL();
}

// Everything is in the log, so the log on the device is enough. A long log is given back: what a
// load has logged is a multiple of what it leaves in the files.
Result<void> RocksdbBackend::flush() {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  if (read_only_) return fail(*read_only_);
  CAVEAT_TRY(check_writable());
  const bool long_log = logged_bytes_.load(std::memory_order_relaxed) > kLogKeptMax;
  rocksdb::Status status = long_log ? settle_files() : sync_log();
  if (status.ok() && long_log) {
    // Files are deleted in the background otherwise: some time later.
    status = db_->DisableFileDeletions();
    if (status.ok()) status = db_->EnableFileDeletions(/*force=*/false);
  }
  if (events_->stopped()) return fail(stopped_error());
  if (status.ok()) {
    renew_spare(kNeededLetters);
    return {};
  }
  return fail(names_.error(status, names_.shown() + ": sync of the log"));
}

rocksdb::Status RocksdbBackend::compact_range(Family family, std::atomic<bool>* canceled) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.change_level = false;
  // The default leaves erased keys at the bottom level where they are.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.canceled = canceled;
  return db_->CompactRange(options, handle(family), nullptr, nullptr);
}

Result<void> RocksdbBackend::compact(Family family, const std::function<bool()>& keep_going) {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  if (read_only_) return fail(*read_only_);
  const std::shared_lock families(families_mutex_);
  rocksdb::Status status;
  if (!keep_going) {
    status = compact_range(family, nullptr);
  } else {
    if (!keep_going()) return compaction_stopped();
    // The caller is to be asked on its own thread, so the work is on another.
    std::atomic<bool> canceled{false};
    std::future<rocksdb::Status> work;
    try {
      work = std::async(std::launch::async, [&] { return compact_range(family, &canceled); });
    } catch (const std::system_error& e) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("threads: the system has none to compact {} on: {}",
                              to_string(family), e.code().message()));
    }
    while (work.wait_for(kAskEvery) != std::future_status::ready) {
      if (!canceled && !keep_going()) canceled = true;
    }
    status = work.get();
  }
  if (status.ok()) return {};
  if (error_code(status) == ErrorCode::cancelled) return compaction_stopped();
  return fail(names_.error(status, std::string(to_string(family)) + ", while compacting"));
}

Result<KvProperties> RocksdbBackend::properties() const {
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  const std::shared_lock families(families_mutex_);
  using P = rocksdb::DB::Properties;
  KvProperties properties;
  const auto read = [&](Family family, const std::string& name) {
    std::uint64_t value = 0;
    return db_->GetIntProperty(handle(family), name, &value) ? value : 0;
  };
  for (const Family family : kFamilies) {
    auto& of = properties.families[static_cast<std::size_t>(family)];
    of.disk_bytes = read(family, P::kLiveSstFilesSize);
    of.memtable_bytes = read(family, P::kCurSizeAllMemTables);
    of.key_estimate = read(family, P::kEstimateNumKeys);
    properties.table_reader_bytes += read(family, P::kEstimateTableReadersMem);
  }
  const std::uint64_t charged = store_.memtables->dummy_entries_in_cache_usage();
  const std::uint64_t used = store_.cache->GetUsage();
  properties.cache_bytes = used > charged ? used - charged : 0;
  properties.total_disk_bytes = directory_bytes(path_);
  events_->report_stalls(properties);
  return properties;
}

}  // namespace caveat::detail
