#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "engine/query/plan.h"
#include "test/query/query_world.h"

namespace caveat::test {
namespace {

// Sparse enough for indexes to pay: many partitions, many properties, exact hints.
WorldOptions sparse() {
  WorldOptions options = folded();
  options.nodes = 2000;
  options.properties = 60;
  options.base_records = 3000;
  options.partition_rows = 20;
  options.stale_percent = 0;
  options.few_values = 1000000;
  return options;
}

QueryPlan explain(QueryWorld& world, const Query& query) {
  auto plan = explain_query(world.context(), *world.view(), query);
  REQUIRE(plan);
  return *plan;
}

const QueryPlan::Candidate* candidate(const QueryPlan& plan, IndexKind index) {
  for (const auto& each : plan.candidates) {
    if (each.index == index) return &each;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("bad queries are refused", "[plan]") {
  QueryWorld world(1, {});
  const auto refused = [&](const Query& query) {
    const auto opened = open_cursor(world.context(), world.view(), query);
    return !opened && opened.error().code() == ErrorCode::invalid_argument;
  };
  Query query;
  query.confidence = {std::nanf(""), 1.0F};
  CHECK(refused(query));
  query.confidence = {0.0F, std::nanf("")};
  CHECK(refused(query));
  query.confidence.reset();
  query.source = static_cast<ExceptionSource>(5);
  CHECK(refused(query));
  query.source.reset();
  query.order = static_cast<QueryOrder>(3);
  CHECK(refused(query));
}

TEST_CASE("an empty range finds nothing and reads nothing", "[plan]") {
  QueryWorld world(1, {});
  Query query;
  const bool of_nodes = GENERATE(false, true);
  if (of_nodes) {
    query.nodes = {7, 6};
  } else {
    query.confidence = {0.7F, 0.6F};
  }
  for (const auto order : {QueryOrder::key, QueryOrder::confidence, QueryOrder::time}) {
    query.order = order;
    const auto found = collect_matches(world.context(), *world.view(), query);
    REQUIRE(found);
    CHECK(found->empty());
    CHECK(count_matches(world.context(), *world.view(), query).value() == 0);
  }
  CHECK(world.reader().loads == 0);
}

TEST_CASE("a node's records are read from its partitions alone", "[plan]") {
  QueryWorld world(2, sparse());
  Query query;
  query.node = world.truth().begin()->first.node_id;
  query.source = world.truth().begin()->second.source;
  const auto plan = explain(world, query);
  CHECK(plan.index == IndexKind::primary);
  CHECK(plan.partitions_visited <= 2);
  CHECK(!candidate(plan, IndexKind::source)->used);
  REQUIRE(collect_matches(world.context(), *world.view(), query));
  CHECK(world.reader().loads == plan.partitions_visited);
}

TEST_CASE("a range of nodes costs what it holds, in the order of keys", "[plan]") {
  QueryWorld world(2, sparse());
  Query query;
  query.nodes = {500, 699};
  const auto total = explain(world, Query()).partitions_total;
  for (const bool descending : {false, true}) {
    query.descending = descending;
    const auto plan = explain(world, query);
    CHECK(plan.index == IndexKind::primary);
    CHECK(plan.partitions_visited > 0);
    CHECK(plan.partitions_visited < total / 5);
    CHECK(plan.partitions_total == total);
    world.reader().loads = 0;
    const auto found = collect_matches(world.context(), *world.view(), query);
    REQUIRE(found);
    CHECK(*found == world.expected(query));
    CHECK(world.reader().loads == plan.partitions_visited);
  }
  // The directory knows how much is in each partition but the first and the last.
  world.reader().loads = 0;
  CHECK(count_matches(world.context(), *world.view(), query).value() ==
        world.expected(query).size());
  CHECK(world.reader().loads <= 2);

  // Where few partitions are left, no index is read; where it leaves many, one narrows further.
  query.property = world.truth().begin()->first.property_hash;
  query.nodes = {500, 520};
  auto plan = explain(world, query);
  CHECK(plan.index == IndexKind::primary);
  CHECK_FALSE(candidate(plan, IndexKind::property)->used);
  query.nodes = {500, 1499};
  plan = explain(world, query);
  CHECK(plan.index == IndexKind::property);
  CHECK(candidate(plan, IndexKind::property)->used);
  CHECK(candidate(plan, IndexKind::primary)->used);
  world.reader().loads = 0;
  const auto both = collect_matches(world.context(), *world.view(), query);
  REQUIRE(both);
  CHECK(*both == world.expected(query));
  CHECK(world.reader().loads == plan.partitions_visited);
  query.nodes.reset();
  CHECK(plan.partitions_visited < explain(world, query).partitions_visited);
}

TEST_CASE("what is known of an index serves a range of nodes as well", "[plan]") {
  QueryWorld world(2, sparse());
  Query query;
  query.property = world.truth().begin()->first.property_hash;
  const auto all = explain(world, query);
  REQUIRE(all.index == IndexKind::property);
  REQUIRE(collect_matches(world.context(), *world.view(), query));  // its candidates are kept
  const auto known = world.context().candidates.statistics().hits;
  for (const auto& range : {Query::NodeRange{500, 2999}, {0, 3000}, {3000, ~NodeId{0}}}) {
    query.nodes = range;
    const auto plan = explain(world, query);
    CHECK(plan.index == IndexKind::property);
    CHECK(plan.partitions_visited < all.partitions_visited);
    CHECK(candidate(plan, IndexKind::property)->partitions == plan.partitions_visited);
    const auto found = collect_matches(world.context(), *world.view(), query);
    REQUIRE(found);
    CHECK(*found == world.expected(query));
    CHECK(count_matches(world.context(), *world.view(), query).value() == found->size());
  }
  CHECK(world.context().candidates.statistics().hits >= known + 9);
}

TEST_CASE("a range of nodes narrows an order by value", "[plan]") {
  QueryWorld world(3, sparse());
  Query query;
  query.nodes = {500, 799};
  const auto plan = explain(world, query);
  for (const auto order : {QueryOrder::confidence, QueryOrder::time}) {
    query.order = order;
    world.reader().loads = 0;
    const auto found = collect_matches(world.context(), *world.view(), query);
    REQUIRE(found);
    CHECK(*found == world.expected(query));
    CHECK(world.reader().loads <= 2 * plan.partitions_visited);  // to find, and to show
  }
}

TEST_CASE("a selective index drives, a useless one does not", "[plan]") {
  QueryWorld world(3, sparse());
  Query query;
  query.property = world.truth().begin()->first.property_hash;
  auto plan = explain(world, query);
  CHECK(plan.index == IndexKind::property);
  CHECK(plan.partitions_visited < plan.partitions_total / 2);
  CHECK(candidate(plan, IndexKind::property)->used);
  REQUIRE(collect_matches(world.context(), *world.view(), query));
  CHECK(world.reader().loads == plan.partitions_visited);

  Query everywhere;  // every partition has every source
  everywhere.source = ExceptionSource::Explicit;
  plan = explain(world, everywhere);
  CHECK(plan.index == IndexKind::primary);
  CHECK(plan.partitions_visited == plan.partitions_total);
  CHECK(!candidate(plan, IndexKind::source)->used);

  Query both = query;
  both.confidence = {0.5F, 0.52F};
  plan = explain(world, both);
  CHECK(plan.partitions_visited < explain(world, query).partitions_visited);
  CHECK(candidate(plan, IndexKind::property)->used);
  CHECK(candidate(plan, IndexKind::confidence)->used);
}

TEST_CASE("an incomplete index is not trusted", "[plan]") {
  QueryWorld world(4, sparse());
  auto view = world.changed_view();
  auto version = std::make_shared<Version>(*view->version);
  version->index_complete[static_cast<std::size_t>(Family::property)] = false;
  view->version = version;
  Query query;
  query.property = world.property(0);
  const auto plan = explain_query(world.context(), *view, query);
  REQUIRE(plan);
  CHECK(plan->index == IndexKind::primary);
  CHECK(plan->partitions_visited == plan->partitions_total);
  CHECK(!candidate(*plan, IndexKind::property)->used);
}

// It said that every partition is read, and beside it how few are.
TEST_CASE("a plan that stops early does not say that every partition is read", "[plan]") {
  QueryWorld world(4, sparse());
  Query query;
  query.limit = 2;
  auto plan = explain(world, query);
  REQUIRE(plan.partitions_total > 2);
  CHECK(plan.partitions_visited == 2);
  CHECK(candidate(plan, IndexKind::primary)->used);
  CHECK_THAT(candidate(plan, IndexKind::primary)->reason, Catch::Contains("enough"));
  query.order = QueryOrder::confidence;
  plan = explain(world, query);
  CHECK(plan.index == IndexKind::confidence);
  CHECK(candidate(plan, IndexKind::confidence)->used);
  CHECK_FALSE(candidate(plan, IndexKind::primary)->used);
}

TEST_CASE("an unknown property is in no partition", "[plan]") {
  QueryWorld world(5, sparse());
  Query query;
  query.property = hash_property("never seen");
  const auto plan = explain(world, query);
  CHECK(plan.partitions_visited == 0);
  CHECK(count_matches(world.context(), *world.view(), query).value() == 0);
  CHECK(world.reader().loads == 0);
}

TEST_CASE("counters tell how many hints were stale", "[plan]") {
  auto options = sparse();
  QueryWorld exact(6, options);
  Query query;
  for (std::size_t i = 0; i < options.properties; ++i) {
    query.property = exact.property(i);
    REQUIRE(collect_matches(exact.context(), *exact.view(), query));
  }
  const auto& clean = exact.counters().indexes[index_slot(Family::property)];
  CHECK(clean.candidates > 0);
  CHECK(clean.stale == 0);

  options.stale_percent = 100;
  QueryWorld stale(6, options);
  for (std::size_t i = 0; i < options.properties; ++i) {
    query.property = stale.property(i);
    REQUIRE(collect_matches(stale.context(), *stale.view(), query));
  }
  const auto& dirty = stale.counters().indexes[index_slot(Family::property)];
  CHECK(dirty.stale > 0);
  CHECK(dirty.stale < dirty.candidates);
}

TEST_CASE("a small limit reads few partitions in every order", "[plan]") {
  QueryWorld world(7, sparse());
  for (const auto order : {QueryOrder::key, QueryOrder::confidence, QueryOrder::time}) {
    for (const bool descending : {false, true}) {
      Query query;
      query.order = order;
      query.descending = descending;
      query.limit = 5;
      world.reader().loads = 0;
      const auto found = collect_matches(world.context(), *world.view(), query);
      REQUIRE(found);
      CHECK(*found == world.expected(query));
      CHECK(world.reader().loads <= 40);
    }
  }
}

TEST_CASE("the best of many equal values needs no look at all of them", "[plan]") {
  auto options = sparse();
  options.few_values = 1;
  QueryWorld world(8, options);
  Query query;
  query.order = QueryOrder::confidence;
  query.descending = true;
  query.limit = 5;
  const auto found = collect_matches(world.context(), *world.view(), query);
  REQUIRE(found);
  CHECK(*found == world.expected(query));
  CHECK(world.reader().loads <= 12);
  // Page after page through the ties: each reads little.
  auto cursor = open_cursor(world.context(), world.view(), query);
  REQUIRE(cursor);
  for (int page = 0; page < 20; ++page) {
    while (true) {
      const auto next = cursor->next();
      REQUIRE(next);
      if (*next == nullptr) break;
    }
    query.resume_token = cursor->resume_token();
    world.reader().loads = 0;
    cursor = open_cursor(world.context(), world.view(), query);
  }
  CHECK(world.reader().loads <= 12);
}

TEST_CASE("counting everything asks the directory", "[count]") {
  QueryWorld world(9, sparse());
  CHECK(count_matches(world.context(), *world.view(), {}).value() == world.truth().size());
  CHECK(world.reader().loads == 0);
}

TEST_CASE("an error stays with the cursor", "[cursor]") {
  QueryWorld world(10, {});
  world.reader().damaged = world.view()->version->directory->at({0, 3}).id;
  for (const auto order : {QueryOrder::key, QueryOrder::confidence}) {
    Query query;
    query.order = order;
    auto cursor = open_cursor(world.context(), world.view(), query);
    REQUIRE(cursor);
    auto token = cursor->resume_token();
    for (;;) {
      const auto next = cursor->next();
      if (!next) {
        CHECK(next.error().code() == ErrorCode::corruption);
        break;
      }
      REQUIRE(*next != nullptr);
      token = cursor->resume_token();
    }
    REQUIRE(!cursor->next());
    CHECK(cursor->next().error().code() == ErrorCode::corruption);
    CHECK(cursor->resume_token() == token);
    query.source = ExceptionSource::Explicit;
    CHECK(!count_matches(world.context(), *world.view(), query));
  }
}

TEST_CASE("an empty store answers every query", "[cursor]") {
  WorldOptions options;
  options.base_records = options.run_writes = options.delta_writes = options.generations = 0;
  QueryWorld world(11, options);
  for (int i = 0; i < 50; ++i) {
    const auto query = world.random_query();
    CHECK(collect_matches(world.context(), *world.view(), query).value().empty());
    CHECK(count_matches(world.context(), *world.view(), query).value() == 0);
    CHECK(explain(world, query).partitions_visited == 0);
  }
}

}  // namespace caveat::test
