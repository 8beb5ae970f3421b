// In which form a query reads its partitions: with their keys alone where it shows few rows of
// many.
#include <catch2/catch.hpp>

#include "test/query/query_world.h"

namespace caveat::test {
namespace {

// Large partitions, and nothing over them.
WorldOptions plain() {
  WorldOptions options = folded();
  options.nodes = 400;
  options.properties = 60;
  options.base_records = 4000;
  options.partition_rows = 256;
  options.uneven = false;
  options.stale_percent = 0;
  return options;
}

// Images that were asked for their columns when the query was answered, rightly.
std::uint64_t widened(QueryWorld& world, const Query& query) {
  const auto before = world.reader().widened;
  const auto found = collect_matches(world.context(), *world.view(), query);
  REQUIRE(found);
  const auto expected = world.expected(query);
  REQUIRE(found->size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE((*found)[i] == expected[i]);
  return world.reader().widened - before;
}

}  // namespace

TEST_CASE("a node's rows are read together, without their partition's columns", "[query]") {
  QueryWorld world(41, plain());
  std::size_t several = 0;
  for (const auto& [key, exception] : world.truth()) {
    Query query;
    query.node = key.node_id;
    query.descending = several % 2 != 0;
    CHECK(widened(world, query) == 0);
    if (++several == 200) break;
  }
}

TEST_CASE("few rows that meet a condition are read without columns, and many with them",
          "[query]") {
  QueryWorld world(42, plain());
  const auto partitions = world.view()->version->directory->partition_count();
  REQUIRE(partitions > 10);
  Query few;
  few.property = world.property(3);
  CHECK(widened(world, few) == 0);
  few.source = world.truth().begin()->second.source;
  CHECK(widened(world, few) == 0);
  // The first batch shows that most rows are wanted; the others are read so from the start.
  Query most;
  most.confidence = Query::ConfidenceRange{0.0F, 1.0F};
  CHECK(widened(world, most) >= 1);
  CHECK(widened(world, most) < partitions / 2);
  CHECK(widened(world, {}) == 0);
}

}  // namespace caveat::test
