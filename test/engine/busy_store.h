// A store that everybody uses at once, and what each of them may rely on.
//
// Catch's macros belong to one thread, so the threads only note what they saw; the case reads it
// when they have ended.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "caveat/backup.h"
#include "test/support/seed.h"
#include "test/support/stores.h"

namespace caveat::test {

class BusyStore {
 public:
  BusyStore(Backend backend, const Options& options) : store_(backend, options) {}

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  void stop() { stopping_ = true; }
  [[nodiscard]] bool going_on() const { return !stopping_; }
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  // The same while it is going on.
  [[nodiscard]] std::size_t faults_seen() {
    const std::lock_guard lock(mutex_);
    return faults_.size();
  }
  [[nodiscard]] StorageOptimizer& store() { return *store_; }
  // How often each kind of work was done: a case that did nothing has shown nothing.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& done() const { return done_; }

  // --- Writers ---
  static constexpr std::size_t kBatchRows = 24;
  static constexpr std::size_t kBulkRows = 400;
  static constexpr std::size_t kCounters = 3;
  static constexpr NodeId kBatchNode = 100;
  static constexpr NodeId kBulkNode = 10'000;
  static constexpr NodeId kCounterNode = 1;
  static constexpr NodeId kSingleNode = 1'000'000;

  // Each key is one writer's own, so that at the end its last write must be there.
  void write_singles(std::uint64_t writer) {
    std::mt19937_64 random(seed_ + writer);
    std::map<ExceptionKey, std::int64_t> mine;
    std::int64_t stamp = 0;
    while (going_on()) {
      const ExceptionKey key{kSingleNode + writer * 1000 + random() % 200, property(random() % 4)};
      if (random() % 8 == 0) {
        expect("remove", store_->remove_exception(key));
        mine.erase(key);
      } else {
        expect("store", store_->store_exception(key, stamped(++stamp)));
        mine[key] = stamp;
      }
      const auto there = store_->retrieve_exception(key);
      if (!expect("read back", there)) continue;
      const auto wanted = mine.find(key);
      if (there->has_value() != (wanted != mine.end())) fault("a writer does not see its write");
      const bool both = *there && wanted != mine.end();
      if (both && (*there)->created_at != wanted->second) fault("a writer sees an older write");
    }
    const std::lock_guard lock(mutex_);
    done_["single writes"] += static_cast<std::uint64_t>(stamp);
    singles_.merge(mine);
  }
  void write_batches(std::uint64_t writer) {
    const NodeId node = kBatchNode + writer;
    std::int64_t stamp = 0;
    while (going_on()) {
      WriteBatch batch;
      ++stamp;
      // Now and then the node is cleared within the batch: that must not show either.
      if (stamp % 5 == 0) expect("batch", batch.clear_node(node));
      for (std::size_t i = 0; i < kBatchRows; ++i) {
        expect("batch", batch.store_exception({node, property(i)}, stamped(stamp)));
      }
      expect("write", store_->write(batch));
      if (stamp % 17 == 0) expect("clear", store_->clear_node(node));
    }
    count("batches", static_cast<std::uint64_t>(stamp));
  }
  void write_bulks() {
    std::int64_t stamp = 0;
    std::vector<ExceptionRecord> records(kBulkRows);
    while (going_on()) {
      ++stamp;
      for (std::size_t i = 0; i < kBulkRows; ++i) {
        records[i] = {{kBulkNode + i, property(100)}, stamped(stamp)};
      }
      expect("bulk", store_->bulk_store(records));
      if (stamp % 9 == 0) expect("clear", store_->clear_property(property(100)));
    }
    count("bulks", static_cast<std::uint64_t>(stamp));
  }
  void count_up(std::uint64_t seed) {
    std::mt19937_64 random(seed_ + seed);
    while (going_on()) {
      const std::size_t which = random() % kCounters;
      const ExceptionKey key{kCounterNode, property(which)};
      const auto there = store_->retrieve_exception(key);
      if (!expect("counter", there)) continue;
      const auto next = stamped((*there ? (*there)->created_at : 0) + 1);
      const auto set = store_->compare_and_set(key, *there, next);
      if (expect("compare_and_set", set) && *set) ++increments_[which];
    }
  }

  // --- Readers ---
  void read_points(std::uint64_t seed) {
    std::mt19937_64 random(seed_ + seed);
    std::map<ExceptionKey, std::int64_t> seen;
    std::uint64_t reads = 0;
    while (going_on()) {
      ++reads;
      const ExceptionKey key{kCounterNode, property(random() % kCounters)};
      const auto view = store_->retrieve_view(key);
      if (!expect("view", view) || !*view) continue;
      auto& last = seen[key];
      if ((**view)->created_at < last) fault("a counter went back");
      last = (**view)->created_at;
      if ((**view)->reason != stamped(last).reason) fault("a view holds parts of two records");
      expect("contains", store_->contains({kSingleNode + random() % 3000, property(1)}));
    }
    count("point reads", reads);
  }
  void scan_batches(std::uint64_t writers) {
    std::uint64_t scans = 0;
    while (going_on()) {
      const Snapshot snapshot = store_->snapshot();
      Query query;
      query.node = kBatchNode + scans % writers;
      require_whole("batch", *store_, query, kBatchRows, &snapshot);
      Query bulk;
      bulk.property = property(100);
      require_whole("bulk", *store_, bulk, kBulkRows, &snapshot);
      ++scans;
    }
    count("scans", scans);
  }
  // A held snapshot answers alike whatever happens meanwhile.
  void hold_snapshots() {
    std::uint64_t held = 0;
    while (going_on()) {
      const Snapshot snapshot = store_->snapshot();
      const auto before = all({}, &snapshot);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (all({}, &snapshot) != before) fault("a snapshot changed");
      const auto counted = store_->count({}, &snapshot);
      if (expect("count", counted) && *counted != before.size()) fault("count differs from scan");
      ++held;
    }
    count("snapshots", held);
  }

  // --- Maintenance ---
  void maintain() {
    std::uint64_t rounds = 0;
    while (going_on()) {
      switch (rounds++ % 5) {
        case 0:
          expect("flush", store_->flush());
          break;
        case 1:
          expect("optimize", store_->optimize_storage());
          break;
        case 2:
          expect("rebuild", store_->rebuild_indexes());
          break;
        case 3:
          expect("statistics", store_->get_storage_statistics());
          break;
        default:
          expect("compact", store_->compact_storage());
          break;
      }
      static_cast<void>(store_->estimate_storage_statistics());
    }
    count("maintenance calls", rounds);
  }

  // Backups one after another, of which every other one is restored and looked at: it holds a
  // prefix, so writes are there whole, and nothing that an earlier one had has gone back.
  void back_up(const std::filesystem::path& directory, const Options& options) {
    std::uint64_t made = 0;
    std::array<std::int64_t, kCounters> last{};
    while (going_on()) {
      BackupOptions how;
      how.keep = 3;
      how.verify = made % 3 == 0;
      if (!expect("backup", create_backup(*store_, directory / "backups", how))) continue;
      if (++made % 2 != 0) continue;
      const auto restored = directory / "restored";
      if (!expect("restore", restore_backup(directory / "backups", std::nullopt, restored,
                                            RestoreOptions{true, nullptr}))) {
        continue;
      }
      auto opened = StorageOptimizer::open(restored, options);
      if (!expect("open a restored store", opened)) continue;
      look_at_restored(*opened, last);
    }
    count("backups", made);
  }

  // --- When all have ended ---
  void check_end() {
    for (std::size_t i = 0; i < kCounters; ++i) {
      const auto there = store_->retrieve_exception({kCounterNode, property(i)});
      if (!expect("counter", there)) continue;
      const std::int64_t sum = *there ? (*there)->created_at : 0;
      if (sum != increments_[i]) {
        fault("a counter is " + std::to_string(sum) + " after " + std::to_string(increments_[i]) +
              " increments");
      }
      done_["increments"] += static_cast<std::uint64_t>(sum);
    }
    std::size_t singles = 0;
    for (const auto& record : all({}, nullptr)) {
      if (record.key.node_id < kSingleNode) continue;
      ++singles;
      const auto wanted = singles_.find(record.key);
      if (wanted == singles_.end() || wanted->second != record.exception.created_at) {
        fault("a record is not what its writer left");
      }
    }
    if (singles != singles_.size()) fault("records are missing at the end");
    // By their keys too, past the filters of the partitions that they were folded into.
    expect("flush", store_->flush());
    for (const auto& [key, stamp] : singles_) {
      const auto there = store_->retrieve_exception(key);
      if (!expect("read at the end", there)) continue;
      if (!*there || (*there)->created_at != stamp) fault("a record is not found by its key");
    }
    const auto verified = store_->verify();
    if (expect("verify", verified)) {
      for (const auto& error : verified->errors) fault("verify: " + error);
    }
  }

 private:
  void look_at_restored(StorageOptimizer& store, std::array<std::int64_t, kCounters>& last) {
    Query query;
    for (NodeId node = kBatchNode; node < kBatchNode + 2; ++node) {
      query.node = node;
      require_whole("batch in a backup", store, query, kBatchRows, nullptr);
    }
    query = {};
    query.property = property(100);
    require_whole("bulk in a backup", store, query, kBulkRows, nullptr);
    for (std::size_t i = 0; i < kCounters; ++i) {
      const auto there = store.retrieve_exception({kCounterNode, property(i)});
      if (!expect("counter in a backup", there) || !*there) continue;
      if ((*there)->created_at < last[i]) fault("a backup holds less than the one before it");
      last[i] = (*there)->created_at;
    }
    const auto verified = store.verify();
    if (!expect("verify a restored store", verified)) return;
    for (const auto& error : verified->errors) fault("a restored store: " + error);
    if (verified->missing_hints > 0) fault("a restored store misses hints");
  }

  static PropertyHash property(std::size_t i) { return hash_property("p" + std::to_string(i)); }
  static Exception stamped(std::int64_t stamp) {
    Exception exception;
    exception.inherited_value = "everything as before";
    exception.actual_value = stamp;
    exception.reason = "stamp " + std::to_string(stamp);
    exception.created_at = stamp;
    exception.source = static_cast<ExceptionSource>(stamp % 5);
    exception.confidence = static_cast<float>(stamp % 100) / 100.0F;
    return exception;
  }

  std::vector<ExceptionRecord> all(const Query& query, const Snapshot* snapshot) {
    return all(*store_, query, snapshot);
  }
  std::vector<ExceptionRecord> all(StorageOptimizer& store, const Query& query,
                                   const Snapshot* snapshot) {
    std::vector<ExceptionRecord> records;
    auto cursor = store.query(query, snapshot);
    if (!expect("query", cursor)) return records;
    for (;;) {
      const auto next = cursor->next();
      if (!expect("cursor", next) || *next == nullptr) return records;
      records.push_back((*next)->to_record());
    }
  }
  void require_whole(const std::string& what, StorageOptimizer& store, const Query& query,
                     std::size_t rows, const Snapshot* snapshot) {
    const auto records = all(store, query, snapshot);
    if (!records.empty() && records.size() != rows) {
      fault(what + ": " + std::to_string(records.size()) + " of " + std::to_string(rows) +
            " rows are visible");
    }
    for (const auto& record : records) {
      if (record.exception != records.front().exception) {
        fault(what + ": rows of two writes are visible");
        return;
      }
    }
  }

  template <class T>
  bool expect(const char* what, const Result<T>& result) {
    if (!result) fault(std::string(what) + ": " + result.error().message());
    return result.has_value();
  }
  void fault(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (faults_.size() < 20) faults_.push_back(text);
  }
  void count(const std::string& what, std::uint64_t times) {
    const std::lock_guard lock(mutex_);
    done_[what] += times;
  }

  TestStore store_;
  std::atomic<bool> stopping_{false};
  std::array<std::atomic<std::int64_t>, kCounters> increments_{};
  std::mutex mutex_;
  std::vector<std::string> faults_;
  const std::uint64_t seed_ = chosen_seed();
  std::map<std::string, std::uint64_t> done_;
  std::map<ExceptionKey, std::int64_t> singles_;
};

}  // namespace caveat::test
