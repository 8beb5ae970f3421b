// What the pools save, counted: allocations that reach the heap, for each call, and those that
// would without pools.
//
// The first are counted at operator new. The second are those and what the pools say that they
// served instead; that they say the truth is what test/pool shows, and the last column here: the
// same calls with all that a pool keeps given back before each, counted at operator new again.
// (Rows in an arena need none even then: a chunk is one allocation for many rows, and a large pool
// cuts chunks from huge pages. What is left of a write is the backend's in memory.)
#include <cstdio>
#include <functional>

#include "engine/store/engine.h"
#include "test/support/counting_heap.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr std::size_t kCalls = 2000;

struct Counted {
  double with = 0;     // heap allocations a call
  double without = 0;  // the same, had there been no pools
  double trimmed = 0;  // the same with pools that keep nothing between calls
};

class Counter {
 public:
  explicit Counter(StorageOptimizer& store) : store_(store) {
    std::printf("  heap allocations a call %18s %10s %10s\n", "without", "with", "kept none");
  }

  using Call = std::function<void(std::size_t)>;
  // `finish` belongs to the calls: what they leave to be done once for all of them.
  Counted measure(const char* what, std::size_t calls, const Call& call, const Call& finish = {}) {
    Counted counted;
    const auto all = [&](bool trims) {
      const std::size_t before = heap_allocations.load();
      for (std::size_t i = 0; i < calls; ++i) {
        if (trims) pool().trim();
        call(i);
      }
      if (finish) finish(0);
      return static_cast<double>(heap_allocations.load() - before) / static_cast<double>(calls);
    };
    for (int i = 0; i < 2; ++i) static_cast<void>(all(false));  // pools are warm then
    const auto avoided = pool().statistics().allocations_avoided;
    counted.with = all(false);
    counted.without =
        counted.with + static_cast<double>(pool().statistics().allocations_avoided - avoided) /
                           static_cast<double>(calls);
    counted.trimmed = all(true);
    std::printf("  %-30s %11.3f %10.3f %10.3f\n", what, counted.without, counted.with,
                counted.trimmed);
    return counted;
  }

 private:
  MemoryPool& pool() { return *store_.engine().core().shared_pool; }
  StorageOptimizer& store_;
};

ExceptionKey key(NodeId node) {
  return {node, hash_property("p")};
}

}  // namespace

TEST_CASE("warm calls hardly reach the heap", "[allocation]") {
  Options options;
  options.background_maintenance = false;  // so that all that is counted is the call's own
  options.partition_records = 64;
  StorageOptimizer store(0, options);
  Exception exception;
  exception.inherited_value = "a text that is too long to be held in a std::string itself";
  exception.actual_value = PropertyValue::List{1, 2.5, "another text that needs its own memory"};
  exception.reason = "because of a reason of some length, as people write them";
  Counter counter(store);

  const auto flush = [&](std::size_t) { value_of(store.flush()); };
  const auto written = counter.measure(
      "store_exception, and its fold", kCalls,
      [&](std::size_t i) {
        if (!store.store_exception(key(i), exception)) FAIL("store_exception");
      },
      flush);
  auto& caches = store.engine().core();
  const auto cold = counter.measure("retrieve_view, cold", kCalls / 10, [&](std::size_t i) {
    caches.record_cache.clear();
    caches.block_cache.clear();
    const auto view = store.retrieve_view(key(i * 10));
    if (!view || !*view) FAIL("retrieve_view");
  });
  const auto scanned = counter.measure("a query of all records, cold", 5, [&](std::size_t) {
    caches.block_cache.clear();
    auto cursor = value_of(store.query(Query{}));
    while (value_of(cursor.next()) != nullptr) {
    }
  });
  const auto hot = counter.measure("retrieve_view, hot", kCalls, [&](std::size_t i) {
    const auto view = store.retrieve_view(key(i % 100));
    if (!view || !*view) FAIL("retrieve_view");
  });
  const auto owning =
      counter.measure("retrieve_exception, hot (copies)", kCalls, [&](std::size_t i) {
        const auto one = store.retrieve_exception(key(i % 100));
        if (!one || !*one) FAIL("retrieve_exception");
      });
  const auto miss = counter.measure("contains, absent", kCalls, [&](std::size_t i) {
    const auto there = store.contains(key(1'000'000 + i));
    if (!there || *there) FAIL("contains");
  });
  const auto pools = store.estimate_storage_statistics().allocation;
  std::printf("  pools: %llu hits, %llu misses, %llu allocations avoided, %llu bytes reused\n",
              static_cast<unsigned long long>(pools.pool_hits),
              static_cast<unsigned long long>(pools.pool_misses),
              static_cast<unsigned long long>(pools.allocations_avoided),
              static_cast<unsigned long long>(pools.memory_reused_bytes));
  for (const Counted& saving : {written, cold, scanned}) {
    CHECK(saving.with < saving.without);
    CHECK(saving.with <= saving.trimmed);
    CHECK(saving.trimmed <= saving.without);
  }
  CHECK(written.with < written.trimmed);
  CHECK(hot.with < 0.1);
  CHECK(owning.with > hot.with);
  CHECK(miss.with < 0.1);
  CHECK(pools.pool_hits > pools.pool_misses);
  CHECK(pools.allocations_avoided > 0);
  CHECK(pools.memory_reused_bytes > 0);
}

}  // namespace caveat::test
