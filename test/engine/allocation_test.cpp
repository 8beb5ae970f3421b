// What the pools save, counted: allocations that reach the heap, for each call.
#include <cstdio>
#include <functional>

#include "test/support/counting_heap.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr std::size_t kCalls = 2000;

double per_call(const char* what, const std::function<void(std::size_t)>& call) {
  const std::size_t before = heap_allocations.load();
  for (std::size_t i = 0; i < kCalls; ++i) call(i);
  const double count =
      static_cast<double>(heap_allocations.load() - before) / static_cast<double>(kCalls);
  std::printf("  %-36s %8.3f heap allocations a call\n", what, count);
  return count;
}

ExceptionKey key(NodeId node) {
  return {node, hash_property("p")};
}

}  // namespace

TEST_CASE("warm calls hardly reach the heap", "[allocation]") {
  Options options;
  options.background_maintenance = false;  // so that all that is counted is the call's own
  StorageOptimizer store(0, options);
  Exception exception;
  exception.inherited_value = "a text that is too long to be held in a std::string itself";
  exception.actual_value = PropertyValue::List{1, 2.5, "another text that needs its own memory"};
  exception.reason = "because of a reason of some length, as people write them";

  const auto store_one = [&](std::size_t i) {
    if (!store.store_exception(key(i), exception)) FAIL("store_exception");
  };
  const double first = per_call("store_exception, first use", store_one);
  value_of(store.flush());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < kCalls; ++i) store_one(i);
    value_of(store.flush());
  }
  const double warm = per_call("store_exception, pools warm", store_one);
  value_of(store.flush());

  const auto view_one = [&](std::size_t i) {
    const auto view = store.retrieve_view(key(i % 100));
    if (!view || !*view) FAIL("retrieve_view");
  };
  for (std::size_t i = 0; i < 200; ++i) view_one(i);
  const double view = per_call("retrieve_view, hot", view_one);
  const double owning = per_call("retrieve_exception, hot (copies)", [&](std::size_t i) {
    const auto one = store.retrieve_exception(key(i % 100));
    if (!one || !*one) FAIL("retrieve_exception");
  });
  const double miss = per_call("contains, absent", [&](std::size_t i) {
    const auto there = store.contains(key(1'000'000 + i));
    if (!there || *there) FAIL("contains");
  });
  const auto pools = store.estimate_storage_statistics().allocation;
  std::printf("  pools: %llu hits, %llu misses, %llu allocations avoided, %llu bytes reused\n",
              static_cast<unsigned long long>(pools.pool_hits),
              static_cast<unsigned long long>(pools.pool_misses),
              static_cast<unsigned long long>(pools.allocations_avoided),
              static_cast<unsigned long long>(pools.memory_reused_bytes));
  CHECK(warm <= first);
  CHECK(view < 0.1);
  CHECK(owning > view);
  CHECK(miss < 0.1);
  CHECK(pools.pool_hits > pools.pool_misses);
  CHECK(pools.allocations_avoided > 0);
  CHECK(pools.memory_reused_bytes > 0);
}

}  // namespace caveat::test
