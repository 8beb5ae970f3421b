// What queries leave in the cache of decoded blocks: selective ones what they read, long ones
// nothing that had to push something else out.
#include <catch2/catch.hpp>

#include "caveat/caveat.h"
#include "test/model/random_record.h"

namespace caveat::test {
namespace {

constexpr NodeId kNodes = 20'000;
constexpr std::uint64_t kPerNode = 4;

ExceptionKey key_at(NodeId node, std::uint64_t i) {
  return {node, hash_property("p" + std::to_string(i))};
}

StorageOptimizer filled(std::size_t cache_bytes) {
  Options options;
  options.partition_records = 64;
  options.cache_bytes = cache_bytes;
  options.background_maintenance = false;
  StorageOptimizer store(0, options);
  RandomRecords random(1);
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < kNodes; ++node) {
    for (std::uint64_t i = 0; i < kPerNode; ++i) {
      records.push_back({key_at(node, i), random.exception()});
      records.back().exception.reason = "a reason of a usual length, some forty bytes";
    }
  }
  REQUIRE(store.bulk_store(records));
  REQUIRE(store.flush());
  REQUIRE(store.optimize_storage());
  return store;
}

std::size_t drain(const StorageOptimizer& store, const Query& query) {
  auto cursor = store.query(query);
  REQUIRE(cursor);
  std::size_t count = 0;
  for (;;) {
    const auto next = cursor->next();
    REQUIRE(next);
    if (*next == nullptr) return count;
    ++count;
  }
}

// Misses of the block cache that the work costs.
template <class Work>
std::uint64_t misses(StorageOptimizer& store, const Work& work) {
  const auto before = store.get_storage_statistics().value().block_cache.misses;
  work();
  return store.get_storage_statistics().value().block_cache.misses - before;
}

void ask_nodes(const StorageOptimizer& store) {
  for (NodeId node = 100; node < 200; ++node) {
    Query query;
    query.node = node;
    REQUIRE(drain(store, query) == kPerNode);
  }
}

}  // namespace

TEST_CASE(
    "cache use: a query of few partitions is decoded once, and twice where the cache is full") {
  auto store = filled(std::size_t{1} << 20);
  CHECK(misses(store, [&] { ask_nodes(store); }) > 0);
  CHECK(misses(store, [&] { ask_nodes(store); }) == 0);

  drain(store, {});  // takes what room is left
  const auto others = [&] {
    for (NodeId node = kNodes - 200; node < kNodes - 100; ++node) {
      Query query;
      query.node = node;
      REQUIRE(drain(store, query) == kPerNode);
    }
  };
  CHECK(misses(store, others) > 0);
  CHECK(misses(store, others) <= 2);  // of the partitions at either end, wanted once
  CHECK(misses(store, others) == 0);
}

TEST_CASE("cache use: scans of a store that is larger than the cache push nothing out") {
  auto store = filled(std::size_t{1} << 20);
  ask_nodes(store);
  drain(store, {});  // fills it
  const auto before = store.get_storage_statistics().value().block_cache;
  for (int i = 0; i < 3; ++i) {
    CHECK(drain(store, {}) == kNodes * kPerNode);
    Query wide;
    wide.confidence = Query::ConfidenceRange{0.0F, 1.0F};
    drain(store, wide);
    wide.order = QueryOrder::time;
    wide.limit = 2000;
    drain(store, wide);
  }
  const auto after = store.get_storage_statistics().value().block_cache;
  CHECK(after.evictions == before.evictions);
  CHECK(misses(store, [&] { ask_nodes(store); }) == 0);
}

}  // namespace caveat::test
