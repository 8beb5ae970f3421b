// Where calls meet the ends of what they are for: nothing stored, nothing that can match, nothing
// left behind a removal, a load that breaks off in its middle.
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <thread>

#include "caveat/compressed_exception_store.h"
#include "engine/partition/container.h"
#include "engine/store/engine.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.inherited_value = "inherited by all of them";
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "record of node " + std::to_string(node * 7919);
  exception.confidence = 0.5F;
  exception.created_at = static_cast<std::int64_t>(node);
  return exception;
}

}  // namespace

TEST_CASE("maintenance of an empty store has nothing to do, and does it") {
  for (const bool cleared : {false, true}) {
    StorageOptimizer store(0, plain_options());
    if (cleared) value_of(store.clear_property(kProperty));
    const auto done = value_of(store.optimize_storage());
    CHECK(done.partitions_rewritten == 0);
    CHECK(done.compression_ratio_before == 1.0);
    value_of(store.rebuild_indexes());
    value_of(store.compact_storage());
    CHECK(value_of(store.verify()).sound());
    CHECK(value_of(store.count({})) == 0);
    CHECK_FALSE(value_of(store.has_exceptions(1)));
    const std::vector<ExceptionKey> keys = {{1, kProperty}};
    CHECK_FALSE(value_of(store.bulk_retrieve(keys))[0]);
  }
}

TEST_CASE("a query that nothing can match finds nothing, in any order, stored or recent") {
  std::vector<Query> queries(6);
  queries[0].confidence = Query::ConfidenceRange{1.5F, 2.0F};
  queries[1].confidence = Query::ConfidenceRange{-2.0F, -1.0F};
  queries[2].time = Query::TimeRange{5, 4};
  queries[3].property = hash_property("never stored");
  queries[4].node = 77'777;
  queries[5].confidence = Query::ConfidenceRange{0.6F, 0.7F};
  for (const bool folded : {true, false}) {
    StorageOptimizer store(0, plain_options());
    store_nodes(store, kProperty, 0, 300, exception_of);
    if (folded) value_of(store.flush());
    for (Query query : queries) {
      for (const QueryOrder order : {QueryOrder::key, QueryOrder::time, QueryOrder::confidence}) {
        for (const bool descending : {false, true}) {
          query.order = order;
          query.descending = descending;
          auto cursor = value_of(store.query(query));
          CHECK(value_of(cursor.next()) == nullptr);
          CHECK(value_of(cursor.next()) == nullptr);
          CHECK(value_of(store.count(query)) == 0);
          CHECK_FALSE(value_of(store.explain(query)).to_string().empty());
          query.resume_token = cursor.resume_token();
          CHECK(value_of(store.count(query)) == 0);
          CHECK(value_of(value_of(store.query(query)).next()) == nullptr);
          query.resume_token.clear();
        }
      }
    }
  }
}

TEST_CASE("pages of a few results run through stored and recent records together, either way") {
  constexpr NodeId kCount = 4000;
  StorageOptimizer store(0, plain_options());
  std::vector<ExceptionRecord> stored;
  std::vector<ExceptionRecord> recent;
  for (NodeId node = 0; node < kCount; ++node) {
    (node % 2 == 0 ? stored : recent).push_back({{node, kProperty}, exception_of(node)});
  }
  value_of(store.bulk_store(stored));
  value_of(store.flush());
  value_of(store.bulk_store(recent));
  for (const bool descending : {false, true}) {
    Query query;
    query.descending = descending;
    query.limit = 70;
    NodeId shown = 0;
    for (;;) {
      auto cursor = value_of(store.query(query));
      const NodeId before = shown;
      while (const ExceptionView* record = value_of(cursor.next())) {
        REQUIRE(record->key.node_id == (descending ? kCount - 1 - shown : shown));
        ++shown;
      }
      CHECK(value_of(cursor.next()) == nullptr);
      CHECK_FALSE(cursor.skip_damage());  // there is none
      if (shown == before) break;
      query.resume_token = cursor.resume_token();
      CHECK_FALSE(value_of(store.explain(query)).to_string().empty());
    }
    CHECK(shown == kCount);
  }
}

TEST_CASE("a node has exceptions until the last of them is removed, wherever that stands") {
  for (const bool folded : {true, false}) {
    StorageOptimizer store(0, plain_options());
    for (const PropertyHash property : {1, 2, 3}) {
      value_of(store.store_exception({7, property}, exception_of(7)));
    }
    value_of(store.flush());
    const auto next = [&](bool expected) {
      if (folded) value_of(store.flush());
      CHECK(value_of(store.has_exceptions(7)) == expected);
    };
    value_of(store.remove_exception({7, 1}));
    next(true);
    value_of(store.clear_property(2));
    next(true);
    value_of(store.remove_exception({7, 3}));
    next(false);
    value_of(store.store_exception({7, 3}, exception_of(7)));
    next(true);
    value_of(store.clear_node(7));
    next(false);
  }
}

TEST_CASE("each level of durability stores, on both backends") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  TestStore store(backend, plain_options());
  using Level = WriteOptions::Level;
  NodeId node = 0;
  for (const Level level : {Level::none, Level::wal, Level::fsync, Level::store_default}) {
    WriteOptions options;
    options.durability = level;
    ++node;
    value_of(store->store_exception({node, kProperty}, exception_of(node), options));
  }
  store.reopen();
  CHECK(value_of(store->count({})) == node);
}

namespace {

// Counts how often the device was waited for, and fails to if asked to.
class Synced final : public BackendDouble {
 public:
  struct Seen {
    int flushes = 0;
    bool fails = false;
  };
  explicit Synced(Seen& seen) : BackendDouble(shared_memory_backend()), seen_(seen) {}
  Result<void> flush() override {
    ++seen_.flushes;
    if (seen_.fails) return fail(ErrorCode::io_error, "the device is gone");
    return BackendDouble::flush();
  }

 private:
  Seen& seen_;
};

}  // namespace

TEST_CASE("a write of nothing with fsync brings what came before it to the device") {
  Synced::Seen seen;
  auto store = value_of(StorageOptimizer::open(std::make_unique<Synced>(seen), plain_options()));
  value_of(store.store_exception({1, kProperty}, exception_of(1)));
  const WriteBatch nothing;
  value_of(store.write(nothing));
  CHECK(seen.flushes == 0);
  const WriteOptions synced{WriteOptions::Level::fsync};
  value_of(store.write(nothing, synced));
  CHECK(seen.flushes == 1);
  value_of(store.bulk_store(std::span<const ExceptionRecord>(), synced));
  CHECK(seen.flushes == 2);
  seen.fails = true;
  const auto failed = store.write(nothing, synced);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  seen.fails = false;
  value_of(store.close());
  CHECK(store.write(nothing, synced).error().code() == ErrorCode::closed);
}

TEST_CASE("a fold of removals and of stores beside them leaves the stores alone") {
  StorageOptimizer store(0, plain_options());
  store_nodes(store, kProperty, 0, 3000, exception_of);
  value_of(store.flush());
  WriteBatch batch;
  for (NodeId node = 0; node < 3000; ++node) value_of(batch.remove_exception({node, kProperty}));
  for (NodeId node = 3000; node < 9000; ++node) {
    value_of(batch.store_exception({node, kProperty}, exception_of(node)));
  }
  value_of(store.write(batch));
  value_of(store.flush());
  CHECK(value_of(store.count({})) == 6000);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("columns add up, with a dictionary, without one, and not compressed at all") {
  for (const auto compression :
       {CompressionAlgorithm::None, CompressionAlgorithm::Lz4, CompressionAlgorithm::Zstd}) {
    Options options = plain_options();
    options.compression = compression;
    StorageOptimizer store(0, options);
    store_nodes(store, kProperty, 0, 6000, exception_of);
    value_of(store.flush());
    std::uint64_t stored = 0;
    for (const auto& column : value_of(store.column_statistics())) stored += column.raw_bytes;
    CHECK(stored > 6000 * 20);
  }
}

TEST_CASE("a bulk load that breaks off says how much of it is stored", "[bad]") {
  // Fails its writes of the log from the third on.
  class BreaksOff final : public BackendDouble {
   public:
    using BackendDouble::BackendDouble;
    Result<void> write(const KvBatch& batch, Durability durability) override {
      const bool log = !batch.empty() && batch.entry(0).family == Family::delta &&
                       batch.entry(0).op == KvBatch::Op::put;
      if (log && ++writes_ >= 3) return fail(ErrorCode::io_error, "it broke");
      return BackendDouble::write(batch, durability);
    }

   private:
    int writes_ = 0;
  };
  auto store = value_of(StorageOptimizer::open(std::make_unique<BreaksOff>(shared_memory_backend()),
                                               plain_options()));
  constexpr std::size_t kChunk = StorageOptimizer::kBulkChunkRecords;
  Exception small;
  small.actual_value = true;
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < 3 * kChunk; ++node) records.push_back({{node, kProperty}, small});
  const auto broken = store.bulk_store(records);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code() == ErrorCode::io_error);
  const auto stored = value_of(store.count({}));
  CHECK(stored == 2 * kChunk);
  CHECK_THAT(broken.error().message(),
             Catch::Contains("the first " + std::to_string(stored) + " records are stored"));
}

TEST_CASE("a partition made later is none of what an older look at the store sees") {
  StorageOptimizer store(0, plain_options());
  const CompressedExceptionStore before_any(store);
  store_nodes(store, kProperty, 0, 60, exception_of);
  value_of(store.flush());
  const CompressedExceptionStore before_split(store);
  store_nodes(store, kProperty, 60, 6000, exception_of);
  value_of(store.flush());
  const auto list = value_of(CompressedExceptionStore(store).partitions());
  REQUIRE(list.size() > 50);
  for (const auto& partition : list) {
    CHECK(before_any.container(partition.id).error().code() == ErrorCode::not_found);
    const bool there = partition.id == list.front().id;
    CHECK(before_split.container(partition.id).has_value() == there);
  }
}

TEST_CASE("rows that remove something have an address, and no record") {
  StorageOptimizer store(0, plain_options());
  store_nodes(store, kProperty, 0, 60, exception_of);
  value_of(store.flush());
  value_of(store.remove_exception({7, kProperty}));
  value_of(store.store_exception({8, kProperty}, exception_of(9)));
  value_of(store.flush());
  const CompressedExceptionStore below(store);
  const auto partition = value_of(below.partitions()).front();
  REQUIRE(partition.run_rows == 2);
  std::size_t records = 0;
  for (std::uint32_t row = 0; row < partition.rows + partition.run_rows; ++row) {
    const auto read = below.read({partition.id, row});
    if (read) {
      ++records;
    } else {
      CHECK(read.error().code() == ErrorCode::not_found);
    }
  }
  CHECK(records == partition.rows + 1);
  // What clears leave has no block at all.
  value_of(store.clear_property(kProperty));
  value_of(store.optimize_storage());
  const CompressedExceptionStore cleared(store);
  const auto left = value_of(cleared.partitions());
  REQUIRE(left.size() == 1);
  CHECK(left[0].codec == 0);
  CHECK(cleared.describe(left[0].id).error().code() == ErrorCode::not_found);
  CHECK_FALSE(value_of(store.has_exceptions(8)));
}

TEST_CASE("clears that wait hide their own nodes alone") {
  StorageOptimizer store(0, plain_options());
  store_nodes(store, kProperty, 0, 10, exception_of);
  value_of(store.flush());
  value_of(store.clear_node(3));
  for (NodeId node = 0; node < 12; ++node) {
    CHECK(value_of(store.has_exceptions(node)) == (node < 10 && node != 3));
  }
}

TEST_CASE("maintenance is idle when nothing waits: no rows, no clears, no container") {
  KvObserver* observer = nullptr;
  class Observed final : public BackendDouble {
   public:
    Observed(std::shared_ptr<KvBackend> inner, KvObserver*& seen)
        : BackendDouble(std::move(inner)), seen_(seen) {}
    void set_observer(KvObserver* observer) override { seen_ = observer; }

   private:
    KvObserver*& seen_;
  };
  auto store = value_of(StorageOptimizer::open(
      std::make_unique<Observed>(shared_memory_backend(), observer), plain_options()));
  Engine& engine = store.engine();
  CHECK(engine.maintenance_idle());
  value_of(store.clear_node(1));
  CHECK_FALSE(engine.maintenance_idle());
  value_of(engine.mutator().fold_next());
  value_of(store.flush());
  CHECK_FALSE(engine.maintenance_idle());  // it is folded, and to be applied
  while (value_of(engine.mutator().apply_clears())) {
  }
  CHECK(engine.maintenance_idle());
  const std::vector<std::string> keys = {encode_key({1, 1})};
  observer->on_rewrite_candidates(Family::primary, keys, false);
  CHECK_FALSE(engine.maintenance_idle());
  value_of(engine.mutator().rewrite_queued());
  CHECK(engine.maintenance_idle());
}

TEST_CASE("columns of blocks with a dictionary add up to what is stored") {
  Options options = plain_options();
  options.compression = CompressionAlgorithm::Zstd;
  options.dictionary_bytes = 16 << 10;
  StorageOptimizer store(0, options);
  store_nodes(store, kProperty, 0, 6000, [](NodeId node) {
    Exception exception = exception_of(node);
    exception.reason = "observed by the station at the northern end of the valley, number " +
                       std::to_string(node % 97) + ", and confirmed there the day after by " +
                       std::to_string(node * 7919);
    return exception;
  });
  value_of(store.optimize_storage());
  bool with_dictionary = false;
  for (const auto& partition : value_of(CompressedExceptionStore(store).partitions())) {
    with_dictionary = with_dictionary || partition.dictionary != 0;
  }
  REQUIRE(with_dictionary);
  std::uint64_t raw = 0;
  std::uint64_t compressed = 0;
  for (const auto& column : value_of(store.column_statistics())) {
    raw += column.raw_bytes;
    compressed += column.compressed_bytes;
  }
  CHECK(raw > 6000 * 100);
  CHECK(compressed <
        value_of(store.get_storage_statistics()).compression.compressed_bytes * 11 / 10);
  CHECK(compressed > 6000);
}

TEST_CASE("metrics do without the store's age where the backend has lost it", "[metrics]") {
  const auto backend = shared_memory_backend();
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  const auto tells = [&] {
    return store.metrics().find("\ncaveat_store_made_timestamp_seconds") != std::string::npos;
  };
  CHECK(tells());
  KvBatch damaged;
  damaged.put(Family::meta, "S", "no superblock");
  value_of(backend->write(damaged, Durability::wal));
  CHECK_FALSE(tells());
  KvBatch gone;
  gone.erase(Family::meta, "S");
  value_of(backend->write(gone, Durability::wal));
  CHECK_FALSE(tells());
  CHECK(store.metrics().find("caveat_store_open 1") != std::string::npos);
}

TEST_CASE(
    "a first fold of removals, and of more than a dictionary is trained on, stores the rest") {
  Options options = plain_options();
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.dictionary_bytes = 16 << 10;
  StorageOptimizer store(0, options);
  WriteBatch batch;
  for (NodeId node = 0; node < 3000; ++node) value_of(batch.remove_exception({node, kProperty}));
  for (NodeId node = 3000; node < 9000; ++node) {
    Exception exception = exception_of(node);
    exception.reason = std::string(60, 'r') + std::to_string(node * 7919);
    exception.actual_value = std::string(60, 'v') + std::to_string(node * 104'729);
    value_of(batch.store_exception({node, kProperty}, exception));
  }
  value_of(store.write(batch));
  value_of(store.flush());
  CHECK(value_of(store.count({})) == 6000);
  CHECK_FALSE(value_of(store.contains({2999, kProperty})));
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("a volatile store takes any hint of its size beside any valid options") {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  for (const std::size_t records :
       {std::size_t{1}, std::size_t{1'000'000}, kMost / 256 + 1, kMost}) {
    Options options = plain_options();
    options.memory_budget_bytes = kMemoryBudgetMin;
    options.cache_bytes = kMemoryBudgetMin / 4 * 3;  // all that may be given
    StorageOptimizer store(records, options);
    value_of(store.store_exception({1, kProperty}, exception_of(1)));
    CHECK(value_of(store.retrieve_exception({1, kProperty})) == exception_of(1));
  }
}

TEST_CASE("a metrics file whose next time no clock has is not written over and over", "[metrics]") {
  const ScratchDirectory directory;
  const auto file = directory.path() / "caveat.prom";
  Options options = plain_options();
  options.metrics_file = file;
  options.metrics_interval = std::chrono::milliseconds::max();
  StorageOptimizer store(0, options);
  // A new file each time: none, while this one is there, gets its number.
  struct stat first {};
  REQUIRE(::stat(file.c_str(), &first) == 0);
  const auto kept = directory.path() / "first";
  std::filesystem::create_hard_link(file, kept);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  struct stat later {};
  REQUIRE(::stat(file.c_str(), &later) == 0);
  CHECK(later.st_ino == first.st_ino);
  value_of(store.close());
  CHECK(!std::filesystem::exists(file));
}

}  // namespace caveat::test
