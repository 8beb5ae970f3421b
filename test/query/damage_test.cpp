// Queries where an index or a partition cannot be read: what can be read is shown, in its order.
#include <catch2/catch.hpp>
#include <functional>

#include "engine/query/plan.h"
#include "engine/query/resume_token.h"
#include "engine/query/row_matcher.h"
#include "test/query/query_world.h"

namespace caveat::test {
namespace {

// Many partitions of few rows.
WorldOptions large() {
  WorldOptions options = folded();
  options.nodes = 3000;
  options.properties = 60;
  options.base_records = 15'000;
  options.partition_rows = 20;
  options.uneven = false;
  options.stale_percent = 0;
  options.few_values = 1'000'000;
  return options;
}

// Indexes of several containers each.
WorldOptions larger() {
  WorldOptions options = large();
  options.nodes = 20'000;
  options.base_records = 40'000;
  return options;
}

std::vector<std::string> keys_of(KvBackend& backend, Family family) {
  std::vector<std::string> keys;
  auto it = *backend.iterate(family, nullptr, false);
  for (it->seek_to_first(); it->valid(); it->next()) keys.emplace_back(it->key());
  return keys;
}

void put(KvBackend& backend, Family family, const std::string& key, std::string_view value) {
  KvBatch batch;
  batch.put(family, key, value);
  REQUIRE(backend.write(batch, Durability::none));
}

void damage_all(KvBackend& backend, Family family) {
  for (const auto& key : keys_of(backend, family)) put(backend, family, key, "no container");
}

const QueryPlan::Candidate& candidate(const QueryPlan& plan, IndexKind index) {
  for (const auto& each : plan.candidates) {
    if (each.index == index) return each;
  }
  FAIL("not in the plan");
  return plan.candidates.front();
}

}  // namespace

TEST_CASE("a plan tells which index is damaged, and another one leads", "[plan][damage]") {
  QueryWorld world(21, large());
  damage_all(world.backend(), Family::confidence);
  const auto view = world.view_now();
  Query query;
  query.confidence = {0.2F, 0.3F};
  auto plan = explain_query(world.context(), *view, query);
  REQUIRE(plan);
  CHECK(plan->index == IndexKind::primary);
  CHECK_THAT(candidate(*plan, IndexKind::confidence).reason, Catch::Contains("Damaged"));
  CHECK(collect_matches(world.context(), *view, query) == world.expected(query));

  query.property = world.property(3);
  plan = explain_query(world.context(), *view, query);
  REQUIRE(plan);
  CHECK(plan->index == IndexKind::property);
  CHECK(candidate(*plan, IndexKind::property).used);
  CHECK_FALSE(candidate(*plan, IndexKind::confidence).used);
  CHECK(candidate(*plan, IndexKind::confidence).partitions == plan->partitions_total);
  CHECK_THAT(candidate(*plan, IndexKind::confidence).reason, Catch::Contains("Damaged"));
  CHECK(collect_matches(world.context(), *view, query) == world.expected(query));
}

TEST_CASE("an index that would not narrow further is not read", "[plan]") {
  QueryWorld world(22, larger());
  Query query;
  query.confidence = {0.9995F, 0.9999F};  // nobody has it
  query.time = {-900, 900};
  const auto plan = explain_query(world.context(), *world.view(), query);
  REQUIRE(plan);
  CHECK(plan->index == IndexKind::confidence);
  CHECK(plan->partitions_visited == 0);
  CHECK_FALSE(candidate(*plan, IndexKind::temporal).used);
  CHECK_THAT(candidate(*plan, IndexKind::temporal).reason, Catch::Contains("to pay for reading"));
  CHECK(count_matches(world.context(), *world.view(), query) == 0);
}

TEST_CASE("an order is kept where its index is damaged, from the start or further on",
          "[cursor][damage]") {
  QueryWorld world(23, larger());
  auto& backend = world.backend();
  const auto keys = keys_of(backend, Family::confidence);
  REQUIRE(keys.size() > 2);
  const std::vector<std::function<void()>> faults = {
      [&] { damage_all(backend, Family::confidence); },
      [&] { put(backend, Family::confidence, keys[keys.size() / 2], "no container"); },
      [&] {  // none where the first has to be
        KvBatch batch;
        batch.erase(Family::confidence, keys[0]);
        REQUIRE(backend.write(batch, Durability::none));
      },
      [&] { backend.ill[Family::confidence] = ErrorCode::corruption; },
  };
  std::vector<std::string> sound;
  for (const auto& key : keys) sound.push_back(stored_under(backend, Family::confidence, key));
  Query query;
  query.order = QueryOrder::confidence;
  for (const bool descending : {false, true}) {
    query.descending = descending;
    const auto expected = world.expected(query);
    for (std::size_t i = 0; i < faults.size(); ++i) {
      INFO("descending " << descending << " fault " << i);
      faults[i]();
      CHECK(collect_matches(world.context(), *world.view_now(), query) == expected);
      backend.ill.clear();
      for (std::size_t k = 0; k < keys.size(); ++k) {
        put(backend, Family::confidence, keys[k], sound[k]);
      }
    }
    backend.ill[Family::confidence] = ErrorCode::io_error;
    const auto failed = collect_matches(world.context(), *world.view_now(), query);
    backend.ill.clear();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == ErrorCode::io_error);
  }
}

TEST_CASE("damage is passed over in the order of keys alone", "[cursor][damage]") {
  QueryWorld world(24, large());
  const auto& directory = *world.view()->version->directory;
  world.reader().damaged = directory.at(directory.begin()).id;
  for (const auto order : {QueryOrder::key, QueryOrder::time}) {
    Query query;
    query.order = order;
    auto cursor = open_cursor(world.context(), world.view(), query);
    REQUIRE(cursor);
    CHECK_FALSE(cursor->skip_damage());  // there was none yet
    Result<const ExceptionView*> next = nullptr;
    do {
      next = cursor->next();
    } while (next && *next != nullptr);
    REQUIRE_FALSE(next);
    CHECK(next.error().code() == ErrorCode::corruption);
    CHECK(cursor->skip_damage() == (order == QueryOrder::key));
    CHECK(cursor->next().has_value() == (order == QueryOrder::key));
  }
  // An error is none.
  world.reader().alone = ErrorCode::io_error;
  auto cursor = open_cursor(world.context(), world.view(), {});
  REQUIRE(cursor);
  const auto next = cursor->next();
  REQUIRE_FALSE(next);
  CHECK(next.error().code() == ErrorCode::io_error);
  CHECK_FALSE(cursor->skip_damage());
  CHECK_FALSE(cursor->next());
}

TEST_CASE("recent records are shown in order around a first or last partition that is damaged",
          "[cursor][damage]") {
  WorldOptions options = large();
  options.base_records = 2000;
  options.generations = 2;
  options.delta_writes = 4000;  // too many to be gathered in one go
  QueryWorld world(25, options);
  const auto& directory = *world.view()->version->directory;
  for (const bool descending : {false, true}) {
    const auto place = descending ? directory.prev(directory.end()) : directory.begin();
    world.reader().damaged = directory.at(place).id;
    const auto lower = directory.at(place).lower;
    const auto upper = directory.upper_bound(place);
    Query query;
    query.descending = descending;
    query.limit = 3000;
    auto cursor = open_cursor(world.context(), world.view(), query);
    REQUIRE(cursor);
    std::vector<ExceptionRecord> shown;
    int skipped = 0;
    for (;;) {
      const auto next = cursor->next();
      if (!next) {
        REQUIRE(cursor->skip_damage());
        ++skipped;
        continue;
      }
      if (*next == nullptr) break;
      shown.push_back((*next)->to_record());
    }
    CHECK(skipped == 1);
    const auto expected = world.expected(query);
    std::size_t at = 0;
    std::size_t left_out = 0;
    for (const auto& record : expected) {
      if (at < shown.size() && shown[at] == record) {
        ++at;
        continue;
      }
      // Only what lies in that partition may be missing.
      const bool there = !(record.key < lower) && (!upper || record.key < *upper);
      REQUIRE((there || at == shown.size()));
      left_out += there ? 1U : 0U;
    }
    CHECK(left_out > 0);
    CHECK(at + left_out == expected.size());
  }
}

TEST_CASE("a page behind a position goes on there, also one that the query does not cover",
          "[cursor][token]") {
  QueryWorld world(26, large());
  std::vector<ExceptionKey> positions = {{0, 0}, {~NodeId{0}, ~PropertyHash{0}}};
  for (const NodeId node : {NodeId{300}, NodeId{4500}, NodeId{8000}}) {
    positions.push_back({node, 1ULL << 63});
  }
  std::vector<Query> queries(3);
  queries[1].node = 4500;
  queries[2].property = world.property(7);
  for (Query query : queries) {
    for (const bool descending : {false, true}) {
      query.descending = descending;
      query.resume_token.clear();
      const auto all = world.expected(query);
      for (const ExceptionKey& position : positions) {
        query.resume_token = detail::encode_resume_token(detail::query_fingerprint(query),
                                                         detail::SortPosition{0, position});
        std::vector<ExceptionRecord> behind;
        for (const auto& record : all) {
          if (descending ? record.key < position : position < record.key) {
            behind.push_back(record);
          }
        }
        CHECK(collect_matches(world.context(), *world.view(), query) == behind);
        CHECK(count_matches(world.context(), *world.view(), query) == behind.size());
      }
    }
  }
  // And of a query that nothing can match.
  Query nothing;
  nothing.order = QueryOrder::time;
  nothing.time = {5, 4};
  nothing.resume_token = detail::encode_resume_token(detail::query_fingerprint(nothing),
                                                     detail::SortPosition{3, {1, 1}});
  CHECK(count_matches(world.context(), *world.view(), nothing) == 0);
  CHECK(collect_matches(world.context(), *world.view(), nothing)->empty());
}

TEST_CASE("a plan says of a node's partitions why they are read, whatever the limit", "[plan]") {
  WorldOptions options = large();
  options.nodes = 4;
  options.properties = 400;
  options.base_records = 1000;
  options.partition_rows = 8;
  QueryWorld world(27, options);
  Query query;
  query.node = 3;
  query.limit = 2;
  const auto plan = explain_query(world.context(), *world.view(), query);
  REQUIRE(plan);
  CHECK(plan->partitions_visited == 2);
  CHECK(candidate(*plan, IndexKind::primary).partitions > 2);
  CHECK_THAT(candidate(*plan, IndexKind::primary).reason, Catch::Contains("lie together"));
}

TEST_CASE("a matcher of what nobody has finds it in no partition", "[query]") {
  WorldOptions options = large();
  options.base_records = 500;
  options.run_writes = 300;
  QueryWorld world(28, options);
  const auto& version = *world.view()->version;
  detail::Conditions impossible;
  impossible.impossible = true;
  detail::Conditions unknown;
  unknown.property = hash_property("never stored");
  for (const auto& conditions : {impossible, unknown}) {
    const auto context = world.context();
    detail::RowMatcher matcher(context, *world.view(), conditions);
    std::vector<detail::Match> matches;
    for (auto p = version.directory->begin(); p != version.directory->end();
         p = version.directory->next(p)) {
      const auto image = world.reader().load(version, p, CacheUse::scan, BlockForm::columns);
      REQUIRE(image);
      REQUIRE(matcher.match(**image, matches));
      REQUIRE(matches.empty());
      REQUIRE(matcher.count(**image) == 0);
    }
  }
}

}  // namespace caveat::test
