// One case for every bug found, by what went wrong.
#include <atomic>
#include <future>
#include <thread>

#include "engine/store/engine.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

Exception with(float confidence, std::int64_t created_at) {
  Exception exception;
  exception.inherited_value = 1;
  exception.actual_value = 2;
  exception.reason = "r";
  exception.confidence = confidence;
  exception.created_at = created_at;
  return exception;
}

void require_sound(StorageOptimizer& store) {
  const auto verified = value_of(store.verify());
  for (const auto& error : verified.errors) UNSCOPED_INFO(error);
  REQUIRE(verified.errors.empty());
}

}  // namespace

// A rebuild wrote hints for live rows alone, while a rewrite took the container's superseded rows
// to have hints as well: a new record with the term of a superseded one got none.
TEST_CASE("a rebuild keeps the hints that the next rewrite counts on", "[regression]") {
  Options options;
  options.background_maintenance = false;
  StorageOptimizer store(0, options);
  const PropertyHash property = hash_property("p");
  for (NodeId node = 0; node < 300; ++node) {
    value_of(store.store_exception({node, property}, with(0.5F, 0)));
  }
  value_of(store.store_exception({7, property}, with(0.25F, 0)));
  value_of(store.flush());
  // Supersedes the only record of that confidence, by a run.
  value_of(store.store_exception({7, property}, with(0.5F, 0)));
  value_of(store.flush());
  value_of(store.rebuild_indexes());
  // Brings the confidence back, and enough rows for a rewrite.
  value_of(store.store_exception({8, property}, with(0.25F, 0)));
  for (NodeId node = 100; node < 200; ++node) {
    value_of(store.store_exception({node, property}, with(0.5F, 1)));
  }
  value_of(store.flush());
  require_sound(store);
  REQUIRE(value_of(store.query_by_confidence_range(0.25F, 0.25F)).size() == 1);
}

// A pin on a row of the delta named the youngest generation, which held no rows: the row's own
// could be freed under it.
TEST_CASE("a pinned record of the delta outlives its fold", "[regression]") {
  Options options;
  options.background_maintenance = false;
  StorageOptimizer store(0, options);
  const ExceptionKey key{1, hash_property("p")};
  Exception exception = with(1.0F, 0);
  exception.reason = std::string(1000, 'x');
  value_of(store.store_exception(key, exception));
  const auto pinned = value_of(store.retrieve_view(key));
  value_of(store.flush());
  for (int i = 0; i < 100; ++i) {
    value_of(store.store_exception({2, key.property_hash}, exception));
    value_of(store.flush());
  }
  REQUIRE(pinned.has_value());
  REQUIRE((*pinned)->reason == exception.reason);
}

// A snapshot of a closed store has no version; reads through it, and the checked writes, followed
// a null pointer.
TEST_CASE("reads and checked writes of a closed store fail instead of falling over",
          "[regression]") {
  StorageOptimizer store;
  value_of(store.close());
  const Snapshot snapshot = store.snapshot();
  CHECK(store.contains({1, 1}, &snapshot).error().code() == ErrorCode::closed);
  CHECK(store.take_exception({1, 1}).error().code() == ErrorCode::closed);
  CHECK(store.column_statistics().error().code() == ErrorCode::closed);
}

// The sum of two sizes overflowed and passed the check; the cache then asked for all memory.
TEST_CASE("huge sizes in the options are refused", "[regression]") {
  Options options;
  options.cache_bytes = ~std::size_t{0};
  options.delta_bytes = 2;
  ScratchDirectory directory;
  const auto opened = StorageOptimizer::open(directory.path() / "store", options);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code() == ErrorCode::invalid_argument);
}

// Nobody woke writers that waited for a fold when the fold failed: full_disk_test.cpp, "writers
// that wait for a fold are told that it fails". Closing while others read freed versions under
// them: concurrency_test.cpp, "a store may be closed while others use it". Containers that no
// compaction pointed out stayed long for ever: healing_test.cpp, on rocksdb.

// Opening cut the directory into other groups than its pages held, and closing then took a page for
// the group of the same lower bound: what lay between was forgotten at the next open.
TEST_CASE("a directory of many pages survives any number of opens", "[regression]") {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  TestStore store(Backend::rocksdb, options);
  const PropertyHash property = hash_property("p");
  constexpr NodeId kNodes = 9000;
  for (int round = 0; round < 3; ++round) {
    // Folds, joins and splits move the bounds of groups from round to round.
    std::vector<ExceptionRecord> records;
    for (NodeId node = static_cast<NodeId>(round); node < kNodes; node += 3) {
      records.push_back({{node, property}, with(0.5F, round)});
    }
    value_of(store->bulk_store(records));
    value_of(store->flush());
    if (round == 1) value_of(store->optimize_storage());
    const auto count = value_of(store->count({}));
    for (int opened = 0; opened < 3; ++opened) {
      store.reopen();
      REQUIRE(value_of(store->count({})) == count);
      // A change of one partition marks one page.
      if (opened == 1) value_of(store->store_exception({0, property}, with(1.0F, 7)));
    }
    require_sound(*store);
  }
  REQUIRE(value_of(store->count({})) == kNodes);
}

// The log of a load stayed until the store was closed: nine times the size of what it had stored.
TEST_CASE("a flush gives a long log back", "[regression]") {
  TestStore store(Backend::rocksdb);
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < 90000; ++node) {
    ExceptionRecord record{{node, hash_property("p")}, with(0.5F, static_cast<std::int64_t>(node))};
    // Nothing that LZ4 shortens much.
    record.exception.reason = std::to_string(node * 0x9E3779B97F4A7C15ULL) +
                              std::to_string(node * 0xD6E8FEB86659FD93ULL) +
                              std::to_string(node * 0xFF51AFD7ED558CCDULL);
    records.push_back(std::move(record));
  }
  value_of(store->bulk_store(records));
  const auto log_bytes = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(store.path())) {
      if (file.path().extension() == ".log") bytes += file.file_size();
    }
    return bytes;
  };
  REQUIRE(log_bytes() > (4U << 20));
  value_of(store->flush());
  CHECK(log_bytes() < (1U << 20));
  store.reopen();
  CHECK(value_of(store->count({})) == records.size());
}

// Only base segments were counted: what had been appended to the containers since was left out.
TEST_CASE("statistics count the pairs of hints that verify counts", "[regression]") {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 32;
  StorageOptimizer store(0, options);
  const auto name = [](NodeId node) { return hash_property("p" + std::to_string(node % 9)); };
  for (int round = 0; round < 3; ++round) {
    for (NodeId node = 0; node < 2000; ++node) {
      const float confidence = static_cast<float>(node * 7 % 101) / 100.0F;
      if (node % 3 != static_cast<NodeId>(round)) continue;
      value_of(store.store_exception({node, name(node)},
                                     with(confidence, static_cast<std::int64_t>(node) << 37)));
    }
    value_of(store.flush());
    std::uint64_t pairs = 0;
    const auto statistics = value_of(store.get_storage_statistics());
    for (const auto& index : statistics.indexes) pairs += index.name == "primary" ? 0 : index.pairs;
    const auto verified = value_of(store.verify());
    CHECK(pairs == verified.index_pairs);
    CHECK(pairs > 0);
  }
}

// Only properties with an id were counted, which a fold gives.
TEST_CASE("registered names count as properties before any record has them", "[regression]") {
  StorageOptimizer store(0);
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("name" + std::to_string(i));
  value_of(store.register_properties(std::vector<std::string_view>(names.begin(), names.end())));
  CHECK(store.estimate_storage_statistics().total_properties == 1000);
  value_of(store.store_exception({1, hash_property("name7")}, with(1.0F, 0)));
  value_of(store.store_exception({1, hash_property("other")}, with(1.0F, 0)));
  value_of(store.flush());
  CHECK(store.estimate_storage_statistics().total_properties == 1001);
}

// The error did not say in which partition the row is.
TEST_CASE("a property that the catalogue lacks is an error that names the partition",
          "[regression]") {
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory)));
    value_of(store.store_exception({17, hash_property("p")}, with(1.0F, 0)));
    value_of(store.close());
  }
  KvBatch batch;
  batch.erase_range(Family::meta, "C", "D");
  value_of(memory->write(batch, Durability::wal));
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory)));
  auto cursor = value_of(store.query({}));
  const auto next = cursor.next();
  REQUIRE_FALSE(next.has_value());
  CHECK(next.error().code() == ErrorCode::corruption);
  CHECK_THAT(next.error().message(),
             Catch::StartsWith("primary node 0") && Catch::Contains("not in the catalogue"));
}

// Counts the partitions that are read from one write to the next: those of one step.
class StepCounter : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    reading_ = 0;
    return BackendDouble::write(batch, durability);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    reading_ += keys.size();
    most = std::max(most, reading_);
    return BackendDouble::multi_get(family, keys, snapshot, values, found);
  }
  std::size_t most = 0;

 private:
  std::size_t reading_ = 0;
};

// Clears of many nodes were applied to all their partitions in one step, whatever memory that took.
TEST_CASE("a step of maintenance is sized by the memory budget", "[regression]") {
  auto backend = std::make_unique<StepCounter>(shared_memory_backend());
  StepCounter& counter = *backend;
  Options options;
  options.background_maintenance = false;
  options.partition_records = 64;
  options.memory_budget_bytes = kMemoryBudgetMin;
  auto store = value_of(StorageOptimizer::open(std::move(backend), options));
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < 30000; ++node) {
    records.push_back({{node, hash_property("p")}, with(1.0F, 0)});
  }
  value_of(store.bulk_store(records));
  value_of(store.flush());
  REQUIRE(store.estimate_storage_statistics().partitions > 300);
  for (NodeId node = 0; node < 30000; node += 50) value_of(store.clear_node(node));
  value_of(store.flush());
  counter.most = 0;
  value_of(store.optimize_storage());
  CHECK(counter.most > 0);
  CHECK(counter.most <= 64);  // 8 MiB / 4 KiB a row, but 4,096 rows at least
  CHECK(value_of(store.count({})) == 30000 - 600);
  require_sound(store);
}

// The current version's snapshot was from before optimize merged the indexes and wrote the
// directory, so that compacting kept both forms of them: a third of a small store.
TEST_CASE("compacting right after an optimize leaves nothing for a second one", "[regression]") {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  TestStore store(Backend::rocksdb, options);
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < 50'000; ++node) {
    const PropertyHash property = hash_property("p" + std::to_string(node * 7919 % 3000));
    records.push_back({{node * 104'729 % 50'000, property}, with(0.5F, 0)});
    if (records.size() < 5000) continue;
    value_of(store->bulk_store(records));
    value_of(store->flush());
    records.clear();
  }
  store.reopen();
  value_of(store->optimize_storage());
  const auto first = value_of(store->compact_storage());
  store.reopen();
  const auto second = value_of(store->compact_storage());
  CHECK(first.bytes_reclaimed > 0);
  CHECK(second.disk_bytes_before < first.disk_bytes_after * 21 / 20);
  CHECK(second.disk_bytes_after > first.disk_bytes_after * 19 / 20);
}

// Versions that came while statistics were made were measured against the one from before, which
// may have had no partition: all that was read of it lay in no memory.
TEST_CASE("statistics are made beside folds, whose versions somebody holds", "[regression]") {
  class CallingClock final : public Clock {
   public:
    std::int64_t now_ns() const noexcept override {
      if (auto now = std::exchange(call, {})) now();
      return 7;
    }
    mutable std::function<void()> call;
  };
  CallingClock clock;
  Options options;
  options.background_maintenance = false;
  options.clock = &clock;
  StorageOptimizer store(0, options);
  std::shared_ptr<const Version> held;
  {
    const Snapshot snapshot = store.snapshot();  // whose age is asked for
    const auto fold_one = [&](NodeId node) {
      return store.store_exception({node, 1}, with(0.5F, 0)) && store.flush();
    };
    bool folded = false;
    clock.call = [&] {
      folded = fold_one(1);
      held = store.engine().core().versions.current();
      folded = fold_one(2) && folded;
    };
    const auto statistics = store.estimate_storage_statistics();
    REQUIRE(folded);
    CHECK(statistics.partitions == 0);  // as it began
    CHECK(statistics.pinned_versions >= 1);
  }
  CHECK(held->directory->partition_count() == 1);
  held.reset();
  CHECK(store.estimate_storage_statistics().pinned_versions == 0);
}

// A level of the call's own that does not exist was taken for the store's.
TEST_CASE("an unknown durability of one write is refused", "[regression]") {
  StorageOptimizer store;
  const ExceptionKey key{1, hash_property("p")};
  value_of(store.store_exception(key, with(0.5F, 0)));
  WriteOptions options;
  options.durability = static_cast<WriteOptions::Level>(9);
  const Exception other = with(1.0F, 0);
  WriteBatch batch;
  value_of(batch.remove_exception(key));
  const ExceptionRecord record{key, other};
  const auto refused = [](const auto& result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code() == ErrorCode::invalid_argument);
    CHECK(result.error().message() == "WriteOptions::durability: is no known level");
  };
  refused(store.store_exception(key, other, options));
  refused(store.remove_exception(key, options));
  refused(store.exchange_exception(key, other, options));
  refused(store.take_exception({2, 2}, options));
  refused(store.erase_exception({2, 2}, options));
  refused(store.compare_and_set(key, std::nullopt, other, options));
  refused(store.write(batch, options));
  refused(store.bulk_store(std::span(&record, 1), options));
  refused(store.bulk_store(std::span<const ExceptionRecord>(), options));
  refused(store.clear_node(1, options));
  refused(store.clear_property(key.property_hash, options));
  CHECK(value_of(store.retrieve_exception(key)) == with(0.5F, 0));
}

namespace {

// Keeps the first writer in the log until it is let go, and counts the log's records.
class HaltsTheLog final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    if (batch.entry(0).family == Family::delta && records++ == 0) {
      reached.set_value();
      leave.get_future().wait();
    }
    return BackendDouble::write(batch, durability);
  }
  std::atomic<int> records{0};
  std::promise<void> reached;
  std::promise<void> leave;
};

}  // namespace

// A small write took a batch near the limit along, and the record of both was beyond what replay
// takes: acknowledged, and lost with the next crash.
TEST_CASE("a large batch is not logged together with a small write before it",
          "[regression][threads]") {
  const auto memory = shared_memory_backend();
  auto backend = std::make_unique<HaltsTheLog>(memory);
  HaltsTheLog& log = *backend;
  auto store = value_of(StorageOptimizer::open(std::move(backend), plain_options()));
  const PropertyHash property = hash_property("p");
  WriteBatch large;
  Exception big;
  big.reason = std::string(100'000, 'r');
  for (NodeId node = 100; node < 120; ++node)
    value_of(large.store_exception({node, property}, big));
  const auto waiting = [&] { return store.estimate_storage_statistics().waiting_writers; };
  const auto begin = [&](std::size_t place, const auto& call) {
    auto begun = std::async(std::launch::async, call);
    while (waiting() < place) std::this_thread::yield();
    return begun;
  };
  std::vector<std::future<Result<void>>> writes;
  const auto put = [&](NodeId node) { return store.store_exception({node, property}, {}); };
  writes.push_back(begin(1, [&] { return put(1); }));
  log.reached.get_future().wait();
  writes.push_back(begin(2, [&] { return put(2); }));
  writes.push_back(begin(3, [&] { return store.write(large); }));
  writes.push_back(begin(4, [&] { return put(4); }));
  log.leave.set_value();
  for (auto& write : writes) value_of(write.get());
  CHECK(log.records == 4);
  auto crashed = value_of(
      StorageOptimizer::open(std::make_unique<BackendDouble>(image_of(*memory)), plain_options()));
  CHECK(value_of(crashed.count({})) == 23);
}

}  // namespace caveat::test
