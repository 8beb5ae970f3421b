// A cursor that had no memory for the next result goes on behind the last one that it showed.
#include <algorithm>
#include <new>
#include <optional>

#include "test/support/stores.h"
#include "test/torture/failing_heap.h"

namespace caveat::test {

namespace {

using Records = std::vector<ExceptionRecord>;
constexpr PropertyHash kProperties[] = {7, 8};

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = std::int64_t(node);
  exception.reason =
      "a reason that is too long to lie in the string itself, " + std::to_string(node);
  exception.confidence = static_cast<float>(node % 5) / 8;  // many have the same
  exception.created_at = static_cast<std::int64_t>(node * 7919 % 601);
  return exception;
}

// More partitions than an order by value keeps at hand, runs behind them, and recent rows.
void fill(StorageOptimizer& store) {
  for (const PropertyHash property : kProperties) {
    store_nodes(store, property, 0, 640, exception_of);
  }
  value_of(store.flush());
  for (NodeId node = 0; node < 640; node += 61) {
    value_of(store.store_exception({node, 7}, exception_of(node + 1000)));
  }
  value_of(store.flush());
  for (NodeId node = 3; node < 640; node += 51) {
    value_of(store.store_exception({node, 8}, exception_of(node + 2000)));
    value_of(store.remove_exception({node, 7}));
  }
}

// All that the cursor gives. From its `armed_at`-th result on, allocation `point` fails; the token
// of where it stood then goes to `token`.
struct Walk {
  std::size_t armed_at = 0;
  std::uint64_t point = ~std::uint64_t{0};
  std::uint64_t allocations = 0;
  bool struck = false;
  std::size_t shown_then = 0;
  std::string token;
};
Records walk(Cursor cursor, Walk& walk) {
  Records found;
  for (;;) {
    if (found.size() == walk.armed_at && !walk.struck && heap_counted() == 0) {
      arm_heap(AllocFault::once, AllocThreads::mine, walk.point);
    }
    try {
      const auto next = cursor.next();
      const Unwatched mine;
      const ExceptionView* const view = value_of(next);
      if (view == nullptr) break;
      found.push_back(view->to_record());
    } catch (const std::bad_alloc&) {
      const Unwatched mine;
      walk.struck = true;
      walk.shown_then = found.size();
      walk.token = cursor.resume_token();
    }
  }
  walk.allocations = heap_counted();
  disarm_heap();
  arm_heap(AllocFault::none, AllocThreads::mine, 0);  // counts from nothing again
  disarm_heap();
  return found;
}

// Fails allocations all over the walk, and the first ones at its beginning and in its middle.
void check_going_on(StorageOptimizer& store, Query query, const Snapshot* snapshot) {
  Walk undisturbed;
  const Records wanted = walk(value_of(store.query(query, snapshot)), undisturbed);
  REQUIRE(wanted.size() > 500);
  std::vector<Walk> trials;
  const auto add = [&](std::size_t armed_at, std::uint64_t point) {
    trials.push_back({});
    trials.back().armed_at = armed_at;
    trials.back().point = point;
  };
  const std::uint64_t step = 1 + undisturbed.allocations / (kSanitized ? 5 : 20);
  for (std::uint64_t point = 0; point < undisturbed.allocations; point += step) add(0, point);
  for (std::uint64_t point = 0; point < (kSanitized ? 4 : 16); ++point) {
    add(0, point);
    add(wanted.size() / 2, point);
  }
  std::size_t struck = 0;
  for (Walk& trial : trials) {
    INFO("from result " << trial.armed_at << ", allocation " << trial.point);
    const Records found = walk(value_of(store.query(query, snapshot)), trial);
    REQUIRE((found == wanted));  // too many to be printed
    if (!trial.struck) continue;
    ++struck;
    // The token of that moment leads to the same results.
    Query rest = query;
    rest.resume_token = trial.token;
    Walk again;
    const Records behind(wanted.begin() + static_cast<std::ptrdiff_t>(trial.shown_then),
                         wanted.end());
    REQUIRE((walk(value_of(store.query(rest, snapshot)), again) == behind));
  }
  CHECK(struck > 4);
}

}  // namespace

// It had passed the partitions that it could not load, and the row that it could not show.
TEST_CASE("a cursor that had no memory goes on behind the last record that it showed",
          "[alloc][regression]") {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  options.cache_bytes = 1;
  auto store = value_of(StorageOptimizer::open(make_memory_backend(), options));
  fill(store);
  std::optional<Snapshot> snapshot;
  const auto check_all = [&] {
    for (const auto order : {QueryOrder::key, QueryOrder::confidence, QueryOrder::time}) {
      for (const bool descending : {false, true}) {
        for (const bool one_property : {false, true}) {
          INFO("order " << static_cast<int>(order) << (descending ? ", descending" : "")
                        << (one_property ? ", one property" : "")
                        << (snapshot ? ", in a snapshot" : ""));
          Query query;
          query.order = order;
          query.descending = descending;
          if (one_property) query.property = kProperties[0];
          check_going_on(store, query, snapshot ? &*snapshot : nullptr);
        }
      }
    }
  };
  check_all();
  snapshot = store.snapshot();
  store_nodes(store, kProperties[0], 300, 900, exception_of);
  value_of(store.flush());
  check_all();
}

TEST_CASE("a cursor without memory keeps to its limit", "[alloc][regression]") {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  auto store = value_of(StorageOptimizer::open(make_memory_backend(), options));
  fill(store);
  for (const auto order : {QueryOrder::key, QueryOrder::time}) {
    Query query;
    query.order = order;
    query.limit = 90;
    Walk undisturbed;
    const Records wanted = walk(value_of(store.query(query)), undisturbed);
    REQUIRE(wanted.size() == query.limit);
    for (std::uint64_t point = 0; point < 20; ++point) {
      Walk trial;
      trial.armed_at = 40;
      trial.point = point;
      REQUIRE((walk(value_of(store.query(query)), trial) == wanted));
    }
  }
}

}  // namespace caveat::test
