// A store that is only written to comes back to shape by itself.
//
// The cases call no flush, compaction or optimize: they write, wait, and look. What they look at
// (partitions, estimate_storage_statistics) changes nothing.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "engine/store/engine.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr std::size_t kPartitionRecords = 16;
constexpr std::uint64_t kLongRun = 16;  // rows beside the block that make a container long
constexpr NodeId kNodes = 2000;

struct Shape {
  std::size_t partitions = 0;
  std::size_t long_containers = 0;
  std::size_t oversized = 0;
  std::uint64_t waiting = 0;  // in the rewrite queue

  [[nodiscard]] bool good() const { return long_containers == 0 && oversized == 0 && waiting == 0; }
};

Shape shape_of(StorageOptimizer& store) {
  Shape shape;
  for (const auto& partition : value_of(CompressedExceptionStore(store).partitions())) {
    ++shape.partitions;
    if (partition.run_rows >= kLongRun) ++shape.long_containers;
    // A quarter of slack in the cut, and rows that wait.
    if (partition.rows > kPartitionRecords * 5 / 4 + 1) ++shape.oversized;
  }
  shape.waiting = store.estimate_storage_statistics().rewrite_queue;
  return shape;
}

// Waits for the maintenance to end; the last shape seen.
Shape wait_for_shape(StorageOptimizer& store) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  Shape shape = shape_of(store);
  while (!shape.good() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    shape = shape_of(store);
  }
  return shape;
}

double stale_share(StorageOptimizer& store) {
  const auto verified = value_of(store.verify());
  for (const auto& error : verified.errors) UNSCOPED_INFO(error);
  REQUIRE(verified.errors.empty());
  return static_cast<double>(verified.stale_hints) / static_cast<double>(verified.index_pairs);
}

class Writer {
 public:
  void write(StorageOptimizer& store, NodeId node, std::size_t property) {
    Exception exception;
    exception.inherited_value = "inherited by everybody";
    exception.actual_value = static_cast<std::int64_t>(random_() % 1000);
    exception.reason = std::string(100, static_cast<char>('a' + random_() % 26));
    // Times that move on, so that the hints of what is superseded grow stale.
    exception.created_at = ++day_ * 86'400'000'000'000;
    exception.confidence = static_cast<float>(random_() % 8) / 8.0F;
    exception.source = static_cast<ExceptionSource>(random_() % 5);
    const ExceptionKey key{node, hash_property("p" + std::to_string(property))};
    value_of(store.store_exception(key, exception));
    model_[key] = exception;
  }
  void overwrite(StorageOptimizer& store, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) write(store, random_() % kNodes, random_() % 4);
  }
  void clear(StorageOptimizer& store, std::size_t property) {
    const PropertyHash hash = hash_property("p" + std::to_string(property));
    value_of(store.clear_property(hash));
    std::erase_if(model_, [&](const auto& entry) { return entry.first.property_hash == hash; });
  }
  void require_all_there(StorageOptimizer& store) {
    REQUIRE(value_of(store.count({})) == model_.size());
    for (const auto& [key, exception] : model_) {
      const auto there = value_of(store.retrieve_exception(key));
      REQUIRE(there.has_value());
      REQUIRE(*there == exception);
    }
  }

 private:
  std::mt19937_64 random_{20260103};
  std::map<ExceptionKey, Exception> model_;
  std::int64_t day_ = 0;
};

// A store out of shape: its maintenance was off, its partitions were cut for a larger limit, each
// got fewer rows than make a fold rewrite it, and many of the hints are of rows long gone.
Options neglected() {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 256;
  options.partition_bytes = 1 << 20;
  options.memory_budget_bytes = kMemoryBudgetMin;  // on disk: buffers fill, files are compacted
  options.delta_bytes = 700 << 10;
  return options;
}

Options cared_for() {
  Options options = neglected();
  options.background_maintenance = true;
  options.partition_records = kPartitionRecords;
  return options;
}

// On either backend, and reopened with other options.
class ReopenedStore {
 public:
  explicit ReopenedStore(Backend backend) : backend_(backend), memory_(shared_memory_backend()) {}

  void open(const Options& options) {
    if (store_) value_of(store_->close());
    store_.reset();
    auto opened = backend_ == Backend::memory
                      ? StorageOptimizer::open(std::make_unique<BackendDouble>(memory_), options)
                      : StorageOptimizer::open(directory_.path() / "store", options);
    store_ = std::make_unique<StorageOptimizer>(value_of(std::move(opened)));
  }
  StorageOptimizer& operator*() { return *store_; }

 private:
  Backend backend_;
  std::shared_ptr<KvBackend> memory_;
  ScratchDirectory directory_;
  std::unique_ptr<StorageOptimizer> store_;
};

void print(const char* when, const Shape& shape, double stale) {
  std::printf("  %-26s %4zu partitions, %3zu long, %3zu oversized, stale hints %.1f%%\n", when,
              shape.partitions, shape.long_containers, shape.oversized, stale * 100);
}

void require_healing(Backend backend) {
  std::printf("healing on %s:\n", name_of(backend).c_str());
  ReopenedStore store(backend);
  store.open(neglected());
  Writer writer;
  for (NodeId node = 0; node < kNodes; ++node) {
    for (std::size_t property = 0; property < 4; ++property) {
      writer.write(*store, node, property);
    }
  }
  writer.clear(*store, 2);
  writer.overwrite(*store, kNodes / 2);
  const Shape before = shape_of(*store);
  const double stale_before = stale_share(*store);
  print("neglected", before, stale_before);
  CHECK(before.long_containers > before.partitions / 4);
  CHECK(before.oversized > before.partitions / 2);
  CHECK(stale_before > 0.2);

  store.open(cared_for());
  writer.overwrite(*store, 50);
  const Shape after = wait_for_shape(*store);
  const double stale_after = stale_share(*store);
  print("written to, and waited", after, stale_after);
  CHECK(after.long_containers == 0);
  CHECK(after.oversized == 0);
  CHECK(after.waiting == 0);
  CHECK(stale_after < 0.2);
  writer.require_all_there(*store);

  // And under a load that goes on: many small folds, each of a few rows for every partition.
  writer.overwrite(*store, kNodes * 5);
  const Shape loaded = wait_for_shape(*store);
  const double stale_loaded = stale_share(*store);
  print("after more writes", loaded, stale_loaded);
  CHECK(loaded.good());
  CHECK(stale_loaded < 0.2);
  writer.require_all_there(*store);
}

}  // namespace

TEST_CASE("a store that is only written to heals itself, in memory", "[healing][threads]") {
  require_healing(Backend::memory);
}

TEST_CASE("a store that is only written to heals itself, on rocksdb", "[healing][threads]") {
  require_healing(Backend::rocksdb);
}

namespace {

constexpr auto kNever = std::chrono::hours(1);
constexpr auto kSoon = std::chrono::milliseconds(30);

bool comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

std::uint64_t folds_of(StorageOptimizer& store) {
  return store.engine().core().counters.folds.load();
}

std::uint64_t stored_rows(StorageOptimizer& store) {
  std::uint64_t rows = 0;
  for (const auto& partition : value_of(CompressedExceptionStore(store).partitions())) {
    rows += partition.rows + partition.run_rows;
  }
  return rows;
}

void require_space_back(Backend backend) {
  TestStore store(backend, {});
  store->engine().set_idle_fold_times({kSoon, kNever, kNever, kSoon});
  Writer writer;
  for (NodeId node = 0; node < 200; ++node) {
    for (std::size_t property = 0; property < 4; ++property) {
      writer.write(*store, node, property);
    }
  }
  value_of(store->flush());
  REQUIRE(stored_rows(*store) == 800);
  CHECK(store->engine().maintenance_idle());
  writer.clear(*store, 2);
  CHECK(comes_true([&] { return store->engine().maintenance_idle(); }));
  CHECK(stored_rows(*store) == 600);
  CHECK(store->estimate_storage_statistics().delta_rows == 0);
  value_of(store->clear_node(7));
  CHECK(comes_true([&] { return stored_rows(*store) == 597; }));
  // Rows alone may wait.
  const auto folds = folds_of(*store);
  writer.write(*store, 7, 1);
  std::this_thread::sleep_for(5 * kSoon);
  CHECK(folds_of(*store) == folds);
  CHECK(store->engine().maintenance_idle());
  CHECK(value_of(store->verify()).errors.empty());
}

void require_rows_folded_if_persistent(Backend backend) {
  TestStore store(backend, {});
  store->engine().set_idle_fold_times({kNever, kNever, kSoon, kSoon});
  Writer writer;
  writer.write(*store, 1, 1);
  if (store.persistent()) {
    CHECK(comes_true([&] { return store->estimate_storage_statistics().delta_rows == 0; }));
    CHECK(folds_of(*store) == 1);
  } else {
    std::this_thread::sleep_for(5 * kSoon);
    CHECK(folds_of(*store) == 0);
  }
  writer.require_all_there(*store);
}

}  // namespace

// Clears waited in the delta until it was full, or the store closed.
TEST_CASE("a store that stays quiet after clears gives their space back, in memory",
          "[healing][regression][threads]") {
  require_space_back(Backend::memory);
}
TEST_CASE("a store that stays quiet after clears gives their space back, on rocksdb",
          "[healing][regression][threads]") {
  require_space_back(Backend::rocksdb);
}

TEST_CASE("rows that wait in a volatile store are never folded for being quiet",
          "[healing][threads]") {
  require_rows_folded_if_persistent(Backend::memory);
}
TEST_CASE("rows that wait in a quiet store are folded by and by, on rocksdb",
          "[healing][threads]") {
  require_rows_folded_if_persistent(Backend::rocksdb);
}

TEST_CASE("what waits for more writes to be folded with is folded when none come",
          "[healing][threads]") {
  Options options = cared_for();
  options.partition_records = 256;
  TestStore store(Backend::memory, options);
  store->engine().set_idle_fold_times({kNever, kNever, kNever, kNever});
  const auto sealed = [&] {
    return store->engine().core().versions.current()->generations.size() > 1;
  };
  NodeId node = 0;
  for (; !sealed(); node += 2100) {  // a bulk load, which waits until it must not
    store_nodes(*store, 1, node, node + 2100, [](NodeId) { return Exception{}; });
  }
  CHECK(comes_true([&] { return folds_of(*store) > 0 && !sealed(); }));
  CHECK(value_of(store->count({})) == node);
}

TEST_CASE("a trickle of writes and clears is not folded again and again, on rocksdb",
          "[healing][threads]") {
  TestStore store(Backend::rocksdb, {});
  store->engine().set_idle_fold_times({kSoon, kSoon, kSoon, kNever});
  Writer writer;
  writer.write(*store, 1, 1);
  value_of(store->clear_node(1));
  CHECK(comes_true([&] { return folds_of(*store) == 1; }));
  for (int i = 0; i < 5; ++i) {
    value_of(store->clear_node(2));
    std::this_thread::sleep_for(2 * kSoon);
  }
  CHECK(folds_of(*store) == 1);
  CHECK_FALSE(store->engine().maintenance_idle());  // something is left for later
}

TEST_CASE("when an idle fold is due", "[healing]") {
  using std::chrono::seconds;
  using Time = IdleFold::Clock::time_point;
  MemoryPool pool(1 << 20);
  Generation generation(1, pool);
  Sequence sequence = 0;
  const auto insert = [&](bool clear) {
    WriteBatch batch;
    value_of(clear ? batch.clear_node(1) : batch.remove_exception({1, 1}));
    generation.reserve(batch.rows(), batch.count());
    generation.insert_rows(++sequence, batch.rows(), batch.count());
  };
  const IdleFoldTimes times{seconds(2), seconds(60), seconds(300), seconds(70)};
  IdleFold persistent(true, times);
  IdleFold in_memory(false, times);
  const auto due = [&](IdleFold& fold, int now) -> std::optional<int> {
    const auto at = fold.due(generation, Time(seconds(now)));
    if (!at) return std::nullopt;
    return static_cast<int>(std::chrono::duration_cast<seconds>(at->time_since_epoch()).count());
  };
  CHECK_FALSE(due(persistent, 0));
  insert(false);
  CHECK(due(persistent, 1000) == 1300);
  CHECK_FALSE(due(in_memory, 1000));
  CHECK(due(persistent, 1200) == 1300);
  insert(false);
  CHECK(due(persistent, 1200) == 1500);  // it is quiet from here on
  insert(true);
  CHECK(due(persistent, 1210) == 1212);
  CHECK(due(in_memory, 1210) == 1212);
  for (int now = 1211; now < 1270; ++now) {  // never quiet
    insert(false);
    CHECK(due(persistent, now) == std::min(now + 2, 1270));
  }
  persistent.folded(Time(seconds(1270)));
  CHECK(due(persistent, 1271) == 1340);  // not twice in a short time
}

}  // namespace caveat::test
