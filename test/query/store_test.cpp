// Queries through the public calls, over both backends, while the store is folded, rewritten,
// reopened and written to between the pages.
#include <stdlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "caveat/caveat.h"
#include "test/model/random_record.h"
#include "test/support/seed.h"

namespace caveat::test {
namespace {

using Truth = std::map<ExceptionKey, Exception>;

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "caveat-query-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

Options small_partitions() {
  Options options;
  options.partition_records = 16;
  options.background_maintenance = false;
  return options;
}

ExceptionKey random_key(RandomRecords& random) {
  return {random.below(150), hash_property("p" + std::to_string(random.below(9)))};
}

void write_some(StorageOptimizer& store, Truth& truth, RandomRecords& random, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = random_key(random);
    if (random.chance(5)) {
      REQUIRE(store.remove_exception(key));
      truth.erase(key);
    } else if (random.chance(100)) {
      REQUIRE(store.clear_node(key.node_id));
      std::erase_if(truth, [&](const auto& item) { return item.first.node_id == key.node_id; });
    } else if (random.chance(200)) {
      REQUIRE(store.clear_property(key.property_hash));
      std::erase_if(
          truth, [&](const auto& item) { return item.first.property_hash == key.property_hash; });
    } else {
      auto exception = random.exception();
      exception.created_at = static_cast<std::int64_t>(random.below(100)) << 32;
      REQUIRE(store.store_exception(key, exception));
      truth[key] = exception;
    }
  }
}

Query random_query(RandomRecords& random) {
  Query query;
  if (random.chance(6)) query.node = random_key(random).node_id;
  if (random.chance(3)) query.property = random_key(random).property_hash;
  if (random.chance(3)) query.source = static_cast<ExceptionSource>(random.below(5));
  if (random.chance(3)) {
    const float a = random.confidence();
    const float b = random.confidence();
    query.confidence = {std::min(a, b), std::max(a, b)};
  }
  if (random.chance(3)) {
    const auto start = static_cast<std::int64_t>(random.below(100)) << 32;
    query.time = {start, start + (static_cast<std::int64_t>(random.below(50)) << 32)};
  }
  if (random.chance(3)) {
    const auto first = random_key(random).node_id;
    query.nodes = {first, first + random.below(40)};
  }
  query.order = static_cast<QueryOrder>(random.below(3));
  query.descending = random.chance(2);
  return query;
}

std::vector<ExceptionRecord> expected(const Truth& truth, const Query& query) {
  std::vector<ExceptionRecord> found;
  for (const auto& [key, e] : truth) {
    const bool match =
        (!query.node || key.node_id == *query.node) &&
        (!query.nodes || (query.nodes->first <= key.node_id && key.node_id <= query.nodes->last)) &&
        (!query.property || key.property_hash == *query.property) &&
        (!query.source || e.source == *query.source) &&
        (!query.confidence ||
         (query.confidence->min <= e.confidence && e.confidence <= query.confidence->max)) &&
        (!query.time ||
         (query.time->start_ns <= e.created_at && e.created_at <= query.time->end_ns));
    if (match) found.push_back({key, e});
  }
  std::stable_sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    if (query.order == QueryOrder::confidence) {
      return a.exception.confidence < b.exception.confidence;
    }
    return query.order == QueryOrder::time && a.exception.created_at < b.exception.created_at;
  });
  if (query.descending) std::reverse(found.begin(), found.end());
  return found;
}

std::vector<ExceptionRecord> drain(Cursor& cursor) {
  std::vector<ExceptionRecord> records;
  for (;;) {
    const auto next = cursor.next();
    REQUIRE(next);
    if (*next == nullptr) return records;
    records.push_back((*next)->to_record());
  }
}

void check_queries(const StorageOptimizer& store, const Truth& truth, RandomRecords& random,
                   const Snapshot* snapshot, int queries) {
  for (int i = 0; i < queries; ++i) {
    const Query query = random_query(random);
    auto cursor = store.query(query, snapshot);
    REQUIRE(cursor);
    const auto records = expected(truth, query);
    REQUIRE(drain(*cursor) == records);
    REQUIRE(store.count(query, snapshot).value() == records.size());
  }
}

// One life of a store; `reopen` may replace it.
template <class Reopen>
void live(StorageOptimizer& store, std::uint64_t seed, const Reopen& reopen) {
  INFO("seed " << seed);
  RandomRecords random(seed);
  Truth truth;
  for (int round = 0; round < 4; ++round) {
    write_some(store, truth, random, 400);
    check_queries(store, truth, random, nullptr, 8);
    const Truth before = truth;
    {
      const Snapshot snapshot = store.snapshot();
      Query everything = random_query(random);
      everything.node.reset();
      auto open = store.query(everything);
      REQUIRE(open);
      write_some(store, truth, random, 100);
      REQUIRE(store.flush());
      if (round == 1) REQUIRE(store.optimize_storage());
      if (round == 2) REQUIRE(store.rebuild_indexes());
      check_queries(store, before, random, &snapshot, 8);
      REQUIRE(drain(*open) == expected(before, everything));
    }
    check_queries(store, truth, random, nullptr, 8);

    // Pages of one query with a life between them.
    Query query = random_query(random);
    const auto all = expected(truth, query);
    std::vector<ExceptionRecord> paged;
    for (bool more = true; more;) {
      query.limit = 1 + random.below(100);
      auto cursor = store.query(query);
      REQUIRE(cursor);
      const auto page = drain(*cursor);
      more = !page.empty();
      paged.insert(paged.end(), page.begin(), page.end());
      query.resume_token = cursor->resume_token();
      cursor = tl::make_unexpected(StorageError(ErrorCode::closed, ""));
      if (random.chance(4)) reopen(store);
    }
    REQUIRE(paged == all);

    const auto key = random_key(random);
    Query by;
    by.property = key.property_hash;
    CHECK(store.query_by_property(key.property_hash).value() == expected(truth, by));
    by = {};
    by.node = key.node_id;
    CHECK(store.query_by_node(key.node_id).value() == expected(truth, by));
    by = {};
    by.source = ExceptionSource::Conflict;
    CHECK(store.query_by_source(ExceptionSource::Conflict).value() == expected(truth, by));
    by = {};
    by.confidence = {0.25F, 0.75F};
    CHECK(store.query_by_confidence_range(0.25F, 0.75F).value() == expected(truth, by));
    by = {};
    by.time = {0, std::int64_t{40} << 32};
    CHECK(store.query_by_time_range(0, std::int64_t{40} << 32).value() == expected(truth, by));
  }
}

}  // namespace

// Partitions that begin with a node's first key: a range may end just where one does.
TEST_CASE("records of a range of nodes are counted wherever it ends", "[query][store]") {
  StorageOptimizer store(0, small_partitions());
  constexpr NodeId kNodes = 400;
  WriteBatch batch;
  for (NodeId node = 0; node < kNodes; ++node) {
    REQUIRE(batch.store_exception({node, 0}, Exception()));
    if (node % 3 == 0) REQUIRE(batch.store_exception({node, 5}, Exception()));
  }
  REQUIRE(store.write(batch));
  REQUIRE(store.flush());
  const auto check_all = [&](std::uint64_t more_of_node_0) {
    std::uint64_t count = more_of_node_0;
    for (NodeId last = 0; last < kNodes; ++last) {
      count += last % 3 == 0 ? 2 : 1;
      Query query;
      query.nodes = {0, last};
      REQUIRE(store.count(query).value() == count);
    }
  };
  check_all(0);
  // Many more recent keys than the range has partitions, and then more than all have.
  for (const std::uint64_t keys : {100U, 3000U}) {
    batch.clear();
    for (std::uint64_t i = 0; i < keys; ++i) {
      REQUIRE(batch.store_exception({0, 10 + i}, Exception()));
    }
    REQUIRE(store.write(batch));
    check_all(keys);
  }
}

TEST_CASE("a volatile store answers queries through all its changes", "[query][store]") {
  const auto seed = chosen_seed();
  StorageOptimizer store(0, small_partitions());
  live(store, seed, [](StorageOptimizer&) {});
}

TEST_CASE("a persistent store answers queries, and goes on after reopening", "[query][store]") {
  const auto seed = chosen_seed();
  const TemporaryDirectory directory;
  REQUIRE(!directory.path.empty());
  auto store = StorageOptimizer::open(directory.path / "store", small_partitions());
  REQUIRE(store);
  live(*store, seed, [&](StorageOptimizer& open) {
    REQUIRE(open.close());
    auto again = StorageOptimizer::open(directory.path / "store", small_partitions());
    REQUIRE(again);
    open = std::move(*again);
  });
}

}  // namespace caveat::test
