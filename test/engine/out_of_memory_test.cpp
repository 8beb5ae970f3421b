// No memory, and errors of the backend, at the worst moments: between what is written and what is
// seen. test/torture tries all moments; here are those that something was wrong with.
#include <atomic>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "engine/store/engine.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

enum class Moment { never, at_snapshot, at_fold_write, at_read_of_delta };

class FailsAt final : public BackendDouble {
 public:
  FailsAt(std::shared_ptr<KvBackend> inner, std::shared_ptr<Moment> moment)
      : BackendDouble(std::move(inner)), moment_(std::move(moment)) {}

  Result<std::shared_ptr<const KvSnapshot>> snapshot() override {
    if (*moment_ == Moment::at_snapshot) throw std::bad_alloc();
    return BackendDouble::snapshot();
  }
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const bool logs = batch.entry(0).family == Family::delta;
    if (*moment_ == Moment::at_fold_write && !logs) return fail(ErrorCode::io_error, "injected");
    return BackendDouble::write(batch, durability);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (*moment_ == Moment::at_read_of_delta && family == Family::delta) throw std::bad_alloc();
    return BackendDouble::iterate(family, snapshot, readahead);
  }

 private:
  std::shared_ptr<Moment> moment_;
};

struct World {
  std::shared_ptr<KvBackend> memory = shared_memory_backend();
  std::shared_ptr<Moment> moment = std::make_shared<Moment>(Moment::never);
  Options options;
  std::unique_ptr<StorageOptimizer> store;

  World() {
    options.background_maintenance = false;
    options.partition_records = 16;
    options.memory_budget_bytes = kMemoryBudgetMin;
    options.delta_bytes = 32 << 10;
    open();
  }
  Result<StorageOptimizer> try_open() {
    return StorageOptimizer::open(std::make_unique<FailsAt>(memory, moment), options);
  }
  void open() {
    store.reset();
    store = std::make_unique<StorageOptimizer>(value_of(try_open()));
  }
};

const PropertyHash kProperty = hash_property("p");

Exception record(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = std::string(60, 'r');
  return exception;
}

void check_all(StorageOptimizer& store, NodeId count) {
  CHECK(value_of(store.query_by_property(kProperty)).size() == count);
  for (NodeId node = 0; node < count; ++node) {
    CHECK(value_of(store.retrieve_exception({node, kProperty})) == record(node));
  }
  CHECK(value_of(store.verify()).sound());
}

}  // namespace

TEST_CASE("a fold that is committed and has no memory to be shown loses nothing", "[bad]") {
  World world;
  store_nodes(*world.store, kProperty, 0, 20, record);
  value_of(world.store->flush());
  // Partitions are cut by this fold: who went on with the old bounds would lose what is behind
  // them.
  store_nodes(*world.store, kProperty, 20, 90, record);
  *world.moment = Moment::at_snapshot;
  CHECK_THROWS_AS(static_cast<void>(world.store->flush()), std::bad_alloc);
  check_all(*world.store, 90);
  CHECK_THROWS_AS(static_cast<void>(world.store->optimize_storage()), std::bad_alloc);
  *world.moment = Moment::never;
  store_nodes(*world.store, kProperty, 90, 100, record);
  value_of(world.store->flush());
  check_all(*world.store, 100);
  value_of(world.store->optimize_storage());
  check_all(*world.store, 100);
  value_of(world.store->close());
  world.open();
  check_all(*world.store, 100);
}

namespace {

// Has no memory for the snapshot behind the next fold's end.
class FoldsUnseen final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    CAVEAT_TRY(BackendDouble::write(batch, durability));
    for (std::size_t i = 0; i < batch.count(); ++i) {
      const auto entry = batch.entry(i);
      const bool drops = entry.family == Family::delta && entry.op == KvBatch::Op::erase_range;
      if (drops && armed.exchange(false)) fail_next_ = true;
    }
    return {};
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override {
    if (fail_next_.exchange(false)) throw std::bad_alloc();
    return BackendDouble::snapshot();
  }
  std::atomic<bool> armed{false};

 private:
  std::atomic<bool> fail_next_{false};
};

}  // namespace

// The next step shows what the fold had no memory to show, and the next fold finds nothing to do:
// neither said so to the writers, who waited for ever.
TEST_CASE("writers who wait go on after a fold that had no memory to be shown", "[bad][threads]") {
  auto backend = std::make_unique<FoldsUnseen>(shared_memory_backend());
  FoldsUnseen& folds = *backend;
  Options options;
  options.partition_records = 64;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = 1;
  options.delta_bytes = 300'000;
  auto store = value_of(StorageOptimizer::open(std::move(backend), options));
  std::atomic<NodeId> calls{0};
  std::atomic<bool> stop{false};
  auto no_fold = store.engine().mutator().lock();
  std::thread writer([&] {
    for (NodeId node = 0; !stop; calls = ++node) {
      // (One of them is told of the fold.)
      static_cast<void>(store.store_exception({node, kProperty}, record(node)));
    }
  });
  const auto& stalled = store.engine().core().counters.write_stall_since_ns;
  while (stalled == 0) std::this_thread::yield();
  folds.armed = true;
  no_fold.unlock();
  while (folds.armed) std::this_thread::yield();
  const NodeId before = calls;
  // Twice what the delta holds.
  for (int i = 0; i < 1000 && calls < 2 * before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(calls >= 2 * before);
  stop = true;
  value_of(store.close());
  writer.join();
}

TEST_CASE("a write is not refused after it was logged, for a fold that fails", "[bad]") {
  World world;
  *world.moment = Moment::at_fold_write;
  NodeId taken = 0;
  // Until the delta is full; its next writer folds.
  for (NodeId node = 0; node < 2000; ++node) {
    if (!world.store->store_exception({node, kProperty}, record(node))) break;
    ++taken;
  }
  REQUIRE(taken < 2000);
  CHECK_FALSE(value_of(world.store->contains({taken, kProperty})));
  const auto exchanged = world.store->exchange_exception({taken, kProperty}, record(taken));
  CHECK_FALSE(exchanged.has_value());
  CHECK_FALSE(value_of(world.store->contains({taken, kProperty})));
  check_all(*world.store, taken);
  *world.moment = Moment::never;
  value_of(world.store->store_exception({taken, kProperty}, record(taken)));
  check_all(*world.store, taken + 1);
}

TEST_CASE("a store that runs out of memory while it is opened leaves everything as it was",
          "[bad]") {
  World world;
  store_nodes(*world.store, kProperty, 0, 20, record);
  value_of(world.store->flush());
  store_nodes(*world.store, kProperty, 20, 40, record);
  const auto crashed = image_of(*world.memory);
  value_of(world.store->close());
  world.memory = crashed;
  *world.moment = Moment::at_read_of_delta;
  CHECK_THROWS_AS(static_cast<void>(world.try_open()), std::bad_alloc);
  *world.moment = Moment::never;
  world.open();
  check_all(*world.store, 40);
}

// The header says: after std::bad_alloc call again.
TEST_CASE("a close that had no memory at its end gives the files back the next time", "[bad]") {
  class AtTheEnd final : public BackendDouble {
   public:
    struct Seen {
      bool throws_in_flush = false;
      bool throws_in_close = false;
      int closed = 0;
    };
    explicit AtTheEnd(Seen& seen) : BackendDouble(shared_memory_backend()), seen_(seen) {}
    Result<void> flush() override {
      if (std::exchange(seen_.throws_in_flush, false)) throw std::bad_alloc();
      return BackendDouble::flush();
    }
    Result<void> close() override {
      if (std::exchange(seen_.throws_in_close, false)) throw std::bad_alloc();
      ++seen_.closed;
      return BackendDouble::close();
    }

   private:
    Seen& seen_;
  };

  const bool in_flush = GENERATE(true, false);
  AtTheEnd::Seen seen;
  auto store = value_of(StorageOptimizer::open(std::make_unique<AtTheEnd>(seen), {}));
  value_of(store.store_exception({1, kProperty}, record(1)));
  (in_flush ? seen.throws_in_flush : seen.throws_in_close) = true;
  CHECK_THROWS_AS(store.close(), std::bad_alloc);
  CHECK(seen.closed == 0);
  CHECK(store.remove_exception({1, kProperty}).error().code() == ErrorCode::closed);
  value_of(store.close());
  CHECK(seen.closed == 1);
  value_of(store.close());
  CHECK(seen.closed == 1);
}

}  // namespace caveat::test
