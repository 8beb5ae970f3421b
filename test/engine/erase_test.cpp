// Removals that say whether there was something: right wherever the newest word on a key lies, and
// without reading its record.
#include <chrono>
#include <future>
#include <thread>

#include "engine/store/engine.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");
constexpr NodeId kNodes = 500;

Exception exception_of(NodeId node) {
  Exception exception;
  exception.inherited_value = "what the kind says of number " + std::to_string(node % 7);
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "node " + std::to_string(node) + " differs from all of its kind";
  return exception;
}

bool erased(StorageOptimizer& store, NodeId node, PropertyHash property = kProperty) {
  return value_of(store.erase_exception({node, property}));
}

std::uint64_t inflated(const StorageOptimizer& store) {
  return store.estimate_storage_statistics().compression.decompressions;
}

}  // namespace

TEST_CASE("erasing says whether there was something, wherever the newest word on it lies") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  const bool reopened = GENERATE(false, true);
  TestStore store(backend, plain_options());
  store_nodes(*store, kProperty, 0, kNodes, exception_of);
  value_of(store->register_property("q"));
  value_of(store->flush());
  if (reopened) store.reopen();

  // In a block.
  CHECK(erased(*store, 1));
  CHECK_FALSE(erased(*store, 1));  // a removal in the delta
  CHECK_FALSE(erased(*store, kNodes));
  CHECK_FALSE(erased(*store, 2, hash_property("q")));
  CHECK_FALSE(erased(*store, 2, hash_property("never heard of")));
  // In the delta, over a block and alone.
  for (const NodeId node : {NodeId{1}, NodeId{2}, kNodes}) {
    value_of(store->store_exception({node, kProperty}, exception_of(node)));
    CHECK(erased(*store, node));
    CHECK_FALSE(erased(*store, node));
  }
  // Removed in a run behind the block.
  value_of(store->flush());
  CHECK_FALSE(erased(*store, 1));
  CHECK_FALSE(erased(*store, kNodes));
  CHECK(erased(*store, 3));
  // Cleared, and written again after that.
  value_of(store->clear_node(4));
  CHECK_FALSE(erased(*store, 4));
  value_of(store->store_exception({4, kProperty}, exception_of(4)));
  CHECK(erased(*store, 4));
  value_of(store->clear_property(kProperty));
  for (const NodeId node : {5, 6}) CHECK_FALSE(erased(*store, node));
  value_of(store->store_exception({6, kProperty}, exception_of(6)));
  value_of(store->flush());
  CHECK(erased(*store, 6));
  CHECK_FALSE(erased(*store, 5));
  if (reopened) store.reopen();
  CHECK(value_of(store->count({})) == 0);
  CHECK(value_of(store->verify()).sound());
}

TEST_CASE("erasing writes with the durability that is asked for, and only where there is something",
          "[bad]") {
  class Recorder final : public BackendDouble {
   public:
    using BackendDouble::BackendDouble;
    Result<void> write(const KvBatch& batch, Durability durability) override {
      asked.push_back(durability);
      return BackendDouble::write(batch, durability);
    }
    std::vector<Durability> asked;
  };
  auto recorder = std::make_unique<Recorder>(shared_memory_backend());
  auto& asked = recorder->asked;
  auto store = value_of(StorageOptimizer::open(std::move(recorder), plain_options()));
  store_nodes(store, kProperty, 0, 4, exception_of);
  value_of(store.flush());
  using Level = WriteOptions::Level;
  NodeId node = 0;
  for (const auto& [level, durability] :
       {std::pair(Level::none, Durability::none), std::pair(Level::wal, Durability::wal),
        std::pair(Level::fsync, Durability::fsync),
        std::pair(Level::store_default, Durability::wal)}) {
    WriteOptions options;
    options.durability = level;
    asked.clear();
    CHECK(value_of(store.erase_exception({node, kProperty}, options)));
    CHECK(asked == std::vector<Durability>{durability});
    CHECK_FALSE(value_of(store.erase_exception({node++, kProperty}, options)));
    CHECK(asked.size() == 1);
  }
}

TEST_CASE("erasing reads keys and no record") {
  TestStore store(Backend::memory, plain_options());
  store_nodes(*store, kProperty, 0, kNodes, exception_of);
  value_of(store->flush());
  const auto before = inflated(*store);
  for (NodeId node = 0; node < kNodes; node += 2) CHECK(erased(*store, node));
  CHECK(inflated(*store) == before);
  CHECK(value_of(store->take_exception({1, kProperty})) == exception_of(1));
  CHECK(inflated(*store) > before);
}

TEST_CASE("what cannot be read is not erased, and is named", "[bad]") {
  const auto memory = shared_memory_backend();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(memory), plain_options()));
  };
  {
    auto store = open();
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.close());
  }
  auto it = value_of(memory->iterate(Family::primary, nullptr, false));
  it->seek_to_first();
  REQUIRE(it->valid());
  std::string damaged(it->value());
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  KvBatch batch;
  batch.put(Family::primary, it->key(), damaged);
  it.reset();
  value_of(memory->write(batch, Durability::wal));

  auto store = open();
  const auto lost = store.erase_exception({1, kProperty});
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code() == ErrorCode::corruption);
  CHECK_THAT(lost.error().message(), Catch::Contains("primary"));
  CHECK(store.estimate_storage_statistics().delta_rows == 0);
  CHECK(erased(store, kNodes - 1));  // of another block
  // A newer record over it is as good as any, and who wants it gone whatever is there says so.
  value_of(store.store_exception({1, kProperty}, exception_of(1)));
  CHECK(erased(store, 1));
  value_of(store.remove_exception({2, kProperty}));
  CHECK_FALSE(erased(store, 2));
}

TEST_CASE("of several who erase a key one is told that there was something", "[threads]") {
  TestStore store(Backend::memory, plain_options());
  constexpr NodeId kThreads = 3;
  std::atomic<NodeId> told{0};
  std::atomic<int> errors{0};
  const auto erase_all = [&] {
    for (NodeId node = 0; node < kNodes; ++node) {
      const auto result = store->erase_exception({node, kProperty});
      if (!result) ++errors;
      if (result && *result) ++told;
    }
  };
  for (const bool folded : {false, true}) {
    store_nodes(*store, kProperty, 0, kNodes, exception_of);
    if (folded) value_of(store->flush());
    told = 0;
    std::vector<std::thread> threads;
    for (NodeId i = 0; i < kThreads; ++i) threads.emplace_back(erase_all);
    if (folded) threads.emplace_back([&] { errors += store->flush() ? 0 : 1; });
    for (auto& thread : threads) thread.join();
    CHECK(told == kNodes);
    CHECK(errors == 0);
    CHECK(value_of(store->count({})) == 0);
  }
}

// Each fold in between sent it back to the end of the queue: where writers wait for folds it was
// behind one every time, and fell behind for as long as they wrote.
TEST_CASE("a checked write is done the second time, whatever is written and folded beside it",
          "[regression][threads]") {
  TestStore store(Backend::memory, plain_options());
  store_nodes(*store, kProperty, 0, kNodes, exception_of);
  value_of(store->flush());
  constexpr NodeId kKey = 1;
  int decided = 0;
  std::future<void> beside;
  const auto was = value_of(store->engine().commit_checked(
      {kKey, kProperty},
      [&](const auto&, WriteBatch& batch) -> Result<bool> {
        if (++decided < 5) {
          beside = std::async(std::launch::async, [&] {
            value_of(store->store_exception({2, kProperty}, exception_of(7)));
            value_of(store->flush());
          });
          // In its turn there is nobody else who writes, and this one waits.
          static_cast<void>(beside.wait_for(std::chrono::seconds(decided == 1 ? 60 : 1)));
        }
        CAVEAT_TRY(batch.store_exception({kKey, kProperty}, exception_of(9)));
        return true;
      },
      {}));
  CHECK(was == exception_of(kKey));
  CHECK(decided == 2);
  beside.get();
  CHECK(value_of(store->retrieve_exception({kKey, kProperty})) == exception_of(9));
  CHECK(value_of(store->retrieve_exception({2, kProperty})) == exception_of(7));
}

}  // namespace caveat::test
