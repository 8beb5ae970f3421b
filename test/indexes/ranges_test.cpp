// What is asked of an index and what it knows of itself: nothing beyond the range, and no less.
#include <catch2/catch.hpp>

#include "test/indexes/failing_world.h"

using namespace caveat;
using namespace caveat::test;

// What a query does not ask for may be damaged.
TEST_CASE("a cursor does not come to a container beyond its range, from either end") {
  Indexes indexes(60'000);
  const auto keys = indexes.keys(Family::temporal);
  REQUIRE(keys.size() > 4);
  for (const auto& key : {keys.front(), keys.back()}) indexes.put(Family::temporal, key, "damaged");
  const auto lower = posting::parse_container_key(keys[1])->term + 1;
  const auto upper = posting::parse_container_key(keys.back())->term - 1;
  for (const bool descending : {false, true}) {
    auto cursor =
        std::move(*indexes.manager.cursor({Family::temporal, lower, upper}, descending, nullptr));
    std::size_t groups = 0;
    auto group = cursor->next();
    for (; group && *group; group = cursor->next()) ++groups;
    REQUIRE(group);
    CHECK(groups > 100);
  }
}

TEST_CASE("a rewrite that only the last index wants is made, and told of") {
  Indexes indexes(60'000);
  REQUIRE(indexes.manager.estimate({Family::source, 7, 7}, nullptr)->pairs <= 60'000);
  const auto one = *indexes.manager.lookup({Family::source, 0, 90'000}, nullptr);
  REQUIRE_FALSE(one.empty());
  HintChanges changes;
  auto& last = changes.families[kIndexCount - 1];
  for (std::uint64_t i = 0; i < 400; ++i) last.push_back({i * 7, 5'000 + i, true});
  REQUIRE(indexes.apply(changes));
  indexes.manager.queue_rewrite(kIndexFamilies[kIndexCount - 1], posting::container_key({}));
  KvBatch batch;
  CHECK(*indexes.manager.rewrite_next(batch));
  CHECK_FALSE(batch.empty());
}

TEST_CASE("an estimate of a single term counts what it has") {
  Indexes indexes(0);
  auto changes = one_change(7, 1);
  for (auto& family : changes.families) family.push_back({7, 2, true});
  REQUIRE(indexes.apply(changes));
  CHECK(indexes.manager.estimate({Family::source, 7, 7}, nullptr)->pairs == 2);
  CHECK(indexes.manager.estimate({Family::source, 8, 8}, nullptr)->pairs == 0);
}

TEST_CASE("what a family knows of itself is what is stored, with changes that wait") {
  World world;
  std::vector<PostingChange> changes;
  for (std::uint64_t i = 0; i < 60'000; ++i) changes.push_back({i, i % 7, true});
  REQUIRE(world.apply(changes));
  CHECK(world.reader.statistics(nullptr)->pairs == 60'000);
  changes.resize(500);
  for (auto& change : changes) change.partition += 10;
  REQUIRE(world.apply(changes));
  const auto known = world.mutator.known_statistics();
  const auto stored = *world.reader.statistics(nullptr);
  CHECK(known.containers == stored.containers);
  CHECK(known.bytes == stored.bytes);
  CHECK(known.pending_changes == stored.pending_changes);
  CHECK(known.pending_changes == 500);
  CHECK(stored.pairs == 60'500);
  // What they say again is counted once.
  REQUIRE(world.apply(changes));
  const auto again = *world.reader.statistics(nullptr);
  CHECK(again.pairs == 60'500);
  CHECK(again.pending_changes == 1'000);
  CHECK(known.memory_bytes > known.containers * 8);
  CHECK(known.memory_bytes < known.containers * 1000);
}
