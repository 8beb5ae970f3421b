// A store that is larger than its caches: blocks lie there with their keys alone, and rows are read
// one by one out of them (docs/decisions/0134). What is asked for often has columns all the same.
#include <catch2/catch.hpp>

#include <algorithm>

#include "adapters/memory/memory_backend.h"
#include "caveat/storage_optimizer.h"
#include "test/engine/plain_options.h"
#include "test/support/stores.h"

namespace caveat::test {
namespace {

constexpr NodeId kNodes = 6'000;
constexpr std::uint32_t kProperties = 4;

ExceptionKey key_of(NodeId node, std::uint32_t property) {
  return {node, hash_property("property " + std::to_string(property))};
}

Exception exception_of(NodeId node, std::uint32_t property, const std::string& when) {
  Exception exception;
  exception.inherited_value = "inherited " + std::to_string(property);
  exception.actual_value = when + " " + std::to_string(node * 10 + property);
  exception.reason = "node " + std::to_string(node) + " differs in " + std::to_string(property);
  exception.created_at = static_cast<std::int64_t>(node) * 1'000 + property;
  exception.confidence = 0.5F;
  return exception;
}

StorageOptimizer large_store() {
  auto options = plain_options();  // partitions of 64 records
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = std::size_t{1} << 20;
  auto store = value_of(StorageOptimizer::open(make_memory_backend(), options));
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < kNodes; ++node) {
    for (std::uint32_t property = 0; property < kProperties; ++property) {
      if ((node + property) % 7 == 0) continue;
      records.push_back({key_of(node, property), exception_of(node, property, "first")});
    }
  }
  value_of(store.bulk_store(records));
  value_of(store.flush());
  return store;
}

void check_record(StorageOptimizer& store, NodeId node, std::uint32_t property,
                  const std::string& when) {
  CAPTURE(node, property);
  const ExceptionKey key = key_of(node, property);
  const bool there = (node + property) % 7 != 0;
  CHECK(value_of(store.contains(key)) == there);
  const auto copy = value_of(store.retrieve_exception(key));
  const auto view = value_of(store.retrieve_view(key));
  REQUIRE(copy.has_value() == there);
  REQUIRE(view.has_value() == there);
  if (!there) return;
  const Exception expected = exception_of(node, property, when);
  CHECK(*copy == expected);
  CHECK((*view)->to_exception() == expected);
  CHECK((*view)->key == key);
}

}  // namespace

TEST_CASE("a store larger than its caches gives every record, whatever form its blocks have") {
  auto store = large_store();
  REQUIRE(store.estimate_storage_statistics().partitions > 300);
  // Views stay what they were while others are read through the same room.
  std::vector<std::pair<NodeId, PinnedException>> held;
  for (NodeId node = 0; node < kNodes; node += 3) {
    check_record(store, node, static_cast<std::uint32_t>(node % kProperties), "first");
    CHECK(value_of(store.has_exceptions(node)));
    if (node % 99 == 1) continue;
    if (auto view = value_of(store.retrieve_view(key_of(node, 1)))) held.emplace_back(node, *view);
  }
  for (const auto& [node, view] : held)
    CHECK(view->to_exception() == exception_of(node, 1, "first"));
  const auto statistics = store.estimate_storage_statistics();
  CHECK(statistics.block_cache.hits > 1'000);
  CHECK(statistics.block_cache.bytes <= statistics.block_cache.capacity_bytes);
  // Many keys at once, some alone in their partition, some not.
  std::vector<ExceptionKey> keys;
  for (NodeId node = 5; node < kNodes; node += node % 2 == 0 ? 1 : 500) {
    keys.push_back(key_of(node, 2));
    keys.push_back(key_of(node + 1, 3));
  }
  const auto many = value_of(store.bulk_retrieve(keys));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto property = static_cast<std::uint32_t>(i % 2 == 0 ? 2 : 3);
    const bool there = (keys[i].node_id + property) % 7 != 0;
    REQUIRE(many[i].has_value() == there);
    if (there) CHECK(*many[i] == exception_of(keys[i].node_id, property, "first"));
  }
}

TEST_CASE("queries of one property read rows out of blocks that have their keys alone") {
  auto store = large_store();
  for (NodeId node = 0; node < kNodes; node += 2) check_record(store, node, 1, "first");
  for (const std::size_t limit : {std::size_t{7}, std::size_t{100'000}}) {
    Query query;
    query.property = key_of(0, 2).property_hash;
    query.limit = limit;
    auto cursor = value_of(store.query(query));
    std::size_t shown = 0;
    NodeId node = 0;
    while (const ExceptionView* view = value_of(cursor.next())) {
      while ((node + 2) % 7 == 0) ++node;
      REQUIRE(view->key == key_of(node, 2));
      REQUIRE(view->to_exception() == exception_of(node, 2, "first"));
      ++node;
      ++shown;
    }
    CHECK(shown == std::min<std::size_t>(limit, kNodes - kNodes / 7));
    Query count = query;
    CHECK(value_of(store.count(count)) == shown);
  }
}

TEST_CASE("blocks that have their keys alone tell what is erased") {
  auto store = large_store();
  for (NodeId node = 0; node < kNodes; node += 2) check_record(store, node, 1, "first");
  const auto inflated = [&] { return store.estimate_storage_statistics().compression; };
  const auto before = inflated().decompressions;
  for (NodeId node = 0; node < kNodes; node += 5) {
    CAPTURE(node);
    CHECK(value_of(store.erase_exception(key_of(node, 1))) == ((node + 1) % 7 != 0));
    CHECK_FALSE(value_of(store.erase_exception(key_of(node, 1))));
  }
  CHECK(inflated().decompressions == before);
  for (NodeId node = 1; node < kNodes; node += 5) check_record(store, node, 1, "first");
}

TEST_CASE(
    "a record out of a block with its keys alone is copied once, for the reader and the cache") {
  auto store = large_store();
  for (NodeId node = 0; node < kNodes; node += 2) check_record(store, node, 1, "first");
  const auto from_cache = [&] { return store.estimate_storage_statistics().record_cache.hits; };
  std::size_t shared = 0;
  for (NodeId node = 3; node < kNodes; node += 35) {
    const ExceptionKey key = key_of(node, 1);
    static_cast<void>(value_of(store.retrieve_view(key)));
    const auto kept = value_of(store.retrieve_view(key));  // at the second touch
    const auto before = from_cache();
    const auto hit = value_of(store.retrieve_view(key));
    if (from_cache() == before) continue;  // it was pushed out
    ++shared;
    CHECK((*hit)->reason.data() == (*kept)->reason.data());
    CHECK((*hit)->to_exception() == exception_of(node, 1, "first"));
  }
  CHECK(shared > 50);
}

TEST_CASE("what was written over is read anew, whatever form the old block had") {
  auto store = large_store();
  for (NodeId node = 100; node < 400; ++node) check_record(store, node, 3, "first");
  std::vector<ExceptionRecord> again;
  for (NodeId node = 100; node < 400; ++node) {
    if ((node + 3) % 7 != 0) again.push_back({key_of(node, 3), exception_of(node, 3, "second")});
  }
  value_of(store.bulk_store(again));
  for (NodeId node = 100; node < 400; ++node) check_record(store, node, 3, "second");
  value_of(store.flush());
  for (NodeId node = 100; node < 400; ++node) check_record(store, node, 3, "second");
}

}  // namespace caveat::test
