// Errors and edges of the indexes: whatever fails, the caller hears of it as what it is, and what
// is sound goes on.
#include <catch2/catch.hpp>
#include <cmath>

#include "test/indexes/failing_world.h"

using namespace caveat;
using namespace caveat::test;

namespace {

std::vector<PostingPair> pairs_of(Indexes& indexes, Family family) {
  std::vector<PostingPair> pairs;
  REQUIRE(indexes.manager.for_each_pair(
      family, nullptr,
      [&](const PostingPair& pair) {
        pairs.push_back(pair);
        return pairs.size() < 5;
      },
      [](const StorageError&) {}));
  return pairs;
}

}  // namespace

TEST_CASE("an index that cannot be read says why, at each of its calls") {
  for (const ErrorCode code : {ErrorCode::io_error, ErrorCode::corruption}) {
    Indexes indexes(40'000);
    auto& manager = indexes.manager;
    indexes.backend.code = code;
    const TermRange all{Family::source, 0, ~std::uint64_t{0}};
    const auto struck = [&] { indexes.backend.left = 0; };
    const auto ignore = [](const StorageError&) {};
    const auto every = [](const PostingPair&) { return true; };
    struck();
    require_error(manager.lookup(all, nullptr), code);
    require_error(manager.estimate(all, nullptr), code);
    require_error(manager.cursor(all, false, nullptr), code);
    require_error(manager.statistics(Family::source, nullptr), code);
    require_error(manager.for_each_pair(Family::source, nullptr, every, ignore), code);
    // Of several conditions one that is damaged is left out; another error ends the query.
    IndexManager::Unindexed none{};
    const TermRange ranges[] = {all};
    const auto candidates = manager.candidates(ranges, none, nullptr, {});
    if (code == ErrorCode::corruption) {
      REQUIRE(candidates);
      REQUIRE(candidates->steps.at(0).damage);
      CHECK_FALSE(candidates->steps.at(0).used);
    } else {
      require_error(candidates, code);
    }
    // The probe succeeds, and then the lookup fails.
    indexes.backend.left = 1;
    const auto later = manager.candidates(ranges, none, nullptr, {});
    if (code == ErrorCode::corruption) {
      REQUIRE(later);
      CHECK(later->steps.at(0).damage);
    } else {
      require_error(later, code);
    }
    // The mutator: damage suspends the family and is told once, any other error is the caller's.
    manager.reset();
    struck();
    KvBatch batch;
    auto changes = one_change(1, 1);
    const auto applied = manager.apply(changes, batch);
    CHECK(applied.has_value() == (code == ErrorCode::corruption));
    manager.reset();
    const auto queued = manager.queue_all();
    CHECK(queued.has_value() == (code == ErrorCode::corruption));
    manager.reset();
    const auto rewritten = manager.rewrite_next(batch);
    CHECK(rewritten.has_value() == (code == ErrorCode::corruption));
    CHECK(manager.take_damage().size() == (code == ErrorCode::corruption ? kIndexCount : 0));
    CHECK(manager.suspended(Family::source) == (code == ErrorCode::corruption));
    CHECK(batch.empty());
    // Suspended families are passed over, and resume.
    indexes.backend.left = 1 << 30;
    CHECK(manager.queue_all());
    manager.queue_rewrite(Family::source, indexes.keys(Family::source).front());
    for (const Family family : kIndexFamilies) manager.resume(family);
    CHECK(indexes.apply(changes));
  }
}

TEST_CASE("changes to families that are suspended are dropped, and taken once they resume") {
  Indexes indexes(100);
  auto& manager = indexes.manager;
  for (const Family family : kIndexFamilies) manager.suspend(family);
  CHECK(manager.suspended(Family::source));
  auto changes = one_change(1, 1);
  KvBatch batch;
  REQUIRE(manager.apply(changes, batch));
  CHECK(batch.empty());
  for (const Family family : kIndexFamilies) manager.resume(family);
  CHECK_FALSE(manager.suspended(Family::source));
  REQUIRE(manager.apply(changes, batch));
  CHECK_FALSE(batch.empty());
  manager.reset();
}

TEST_CASE("no index is read to find out that nothing in it waits to be rewritten") {
  Indexes indexes(40'000);
  IndexManager opened{indexes.backend, {}};  // as when the store was just opened
  indexes.backend.left = 0;
  KvBatch batch;
  CHECK_FALSE(*opened.rewrite_next(batch));
  CHECK(opened.known_statistics(Family::source).containers == 0);
  // A container that is named is looked at, and then the index is known.
  opened.queue_rewrite(Family::source, posting::container_key({}));
  require_error(opened.rewrite_next(batch), ErrorCode::io_error);
  // What failed is tried again.
  indexes.backend.left = 1 << 30;
  opened.reset();
  CHECK_FALSE(*opened.rewrite_next(batch));  // it is as it should be
  CHECK(opened.known_statistics(Family::source).containers > 1);
  CHECK(opened.known_statistics(Family::temporal).containers == 0);
}

TEST_CASE("what waits to be merged is found again after a step that failed") {
  Indexes indexes(40'000);
  auto& manager = indexes.manager;
  const auto lower = *posting::parse_container_key(indexes.keys(Family::source).back());
  for (std::uint64_t i = 0; manager.known_statistics(Family::source).rewrite_queue == 0; ++i) {
    REQUIRE(i < 1'000);
    HintChanges changes;
    for (std::uint64_t k = 0; k < 100; ++k) {
      changes.families[index_slot(Family::source)].push_back(
          {lower.term, 10'000 + 100 * i + k, true});
    }
    REQUIRE(indexes.apply(changes));
  }
  manager.reset();  // the write failed
  KvBatch batch;
  REQUIRE(*manager.rewrite_next(batch));
  CHECK(batch.count() > 0);
}

TEST_CASE("calls that make no sense are refused, and empty ranges are empty") {
  Indexes indexes(10);
  auto& manager = indexes.manager;
  const TermRange backwards{Family::property, 5, 4};
  CHECK(manager.lookup(backwards, nullptr)->empty());
  const auto nothing = *manager.estimate(backwards, nullptr);
  CHECK(nothing.pairs == 0);
  CHECK(nothing.exact);
  CHECK_FALSE(nothing.floor);
  require_error(manager.cursor(backwards, false, nullptr), ErrorCode::invalid_argument, "range");
  IndexManager::Unindexed none{};
  require_error(manager.candidates({}, none, nullptr, {}), ErrorCode::invalid_argument,
                "no condition");
  const TermRange ranges[] = {backwards, {Family::source, 0, 90'000}};
  CHECK(manager.candidates(ranges, none, nullptr, {})->partitions.empty());
  // With less than any of them would cost, none is read.
  const std::uint64_t most[] = {0, 0};
  const TermRange wide[] = {{Family::source, 0, 90'000}, {Family::temporal, 0, 90'000}};
  const auto unread = *manager.candidates(wide, none, nullptr, most);
  CHECK(unread.steps.size() == 2);
  CHECK_FALSE(unread.steps[0].used);
  require_error(manager.build(Family::primary, {}, {}, IndexManager::Erase::by_key),
                ErrorCode::invalid_argument, "not a secondary family");
  manager.queue_rewrite(Family::primary, "no key");
  manager.queue_rewrite(Family::source, "no key");
  KvBatch batch;
  CHECK_FALSE(*manager.rewrite_next(batch));
  CHECK(pairs_of(indexes, Family::source).size() == 5);
}

TEST_CASE("a key that no container can have is found from either end") {
  struct Foreign {
    const char* name;
    std::string key;
    bool first_gone;
    const char* says;
  };
  const std::string too_large = posting::container_key({1, kMaxPartitionId + 1});
  const Foreign all[] = {{"behind all", "short", false, "unexpected key"},
                         {"among them", too_large, false, "unexpected key"},
                         {"the first is gone", "", true, "has not the key (0, 0)"}};
  for (const Foreign& foreign : all) {
    INFO(foreign.name);
    Indexes indexes(60'000);
    const auto first = indexes.keys(Family::temporal).front();
    if (foreign.first_gone) {
      indexes.erase(Family::temporal, first);
    } else {
      indexes.put(Family::temporal, foreign.key, "");
    }
    const TermRange from_first{Family::temporal, 0, ~std::uint64_t{0}};
    for (const bool descending : {false, true}) {
      auto cursor = indexes.manager.cursor(from_first, descending, nullptr);
      std::optional<StorageError> error;
      if (!cursor) error = cursor.error();
      while (!error) {
        const auto group = (*cursor)->next();
        if (!group) error = group.error();
        if (group && !*group) break;
      }
      // (Downwards the last thing read is the first container: that it is gone shows as no pairs.)
      if (descending && foreign.first_gone) continue;
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::corruption);
      CHECK_THAT(error->message(), Catch::StartsWith("temporal 0x"));
      CHECK_THAT(error->message(), Catch::Contains(foreign.says));
      // It stays with what it said.
      if (cursor) CHECK((*cursor)->next().error().message() == error->message());
    }
    require_error(indexes.manager.lookup(from_first, nullptr), ErrorCode::corruption, foreign.says);
  }
}

TEST_CASE("a cursor that comes to a damaged container says so, from either end") {
  Indexes indexes(60'000);
  const auto keys = indexes.keys(Family::temporal);
  REQUIRE(keys.size() > 4);
  std::string value;
  REQUIRE(*indexes.memory->get(Family::temporal, keys[2], nullptr, value));
  value.back() = static_cast<char>(value.back() ^ 1);
  indexes.put(Family::temporal, keys[2], value);
  for (const bool descending : {false, true}) {
    auto cursor = std::move(
        *indexes.manager.cursor({Family::temporal, 0, ~std::uint64_t{0}}, descending, nullptr));
    std::size_t groups = 0;
    auto group = cursor->next();
    for (; group && *group; group = cursor->next()) ++groups;
    REQUIRE_FALSE(group);
    CHECK(groups > 100);
    CHECK(group.error().code() == ErrorCode::corruption);
    CHECK_THAT(group.error().message(), Catch::StartsWith("temporal 0x"));
  }
}

TEST_CASE("what an interrupted split or join left in the wrong container is not seen") {
  World world;
  world.model = {{10, 1}, {150, 1}};
  std::string left;
  std::string right;
  posting::encode_base(std::vector<PostingPair>{{10, 1}, {120, 7}}, left);
  posting::encode_base(std::vector<PostingPair>{{50, 7}, {150, 1}}, right);
  KvBatch batch;
  batch.put(world.family, posting::container_key({}), left);
  batch.put(world.family, posting::container_key({100, 0}), right);
  REQUIRE(world.backend->write(batch, Durability::wal));
  for (const std::uint64_t lo : {0, 50, 120}) {
    CHECK(difference(world.reader, world.model, lo, 200, nullptr) == std::nullopt);
  }
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  REQUIRE(world.mutator.queue_all());
  batch.clear();
  REQUIRE(*world.mutator.rewrite_next(batch));
  REQUIRE(world.commit(batch));
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
}

TEST_CASE("a container that outgrew all others is asked for, and cut when it is merged") {
  World world;
  Random random(5);
  while (world.model.size() < 6'000) world.model.insert({random(), random() >> 24});
  const std::vector<PostingPair> pairs(world.model.begin(), world.model.end());
  std::string base;
  posting::encode_base(pairs, base);
  CHECK(IndexManager::needs_rewrite(base));
  std::vector<PostingPair> twice(1);
  REQUIRE(posting::read_container(base, 0, ~std::uint64_t{0}, true, twice));
  CHECK(twice.size() == 1 + pairs.size());  // behind what was there
  KvBatch batch;
  batch.put(world.family, posting::container_key({}), base);
  REQUIRE(world.backend->write(batch, Durability::wal));
  REQUIRE(world.mutator.queue_all());
  batch.clear();
  REQUIRE(*world.mutator.rewrite_next(batch));
  REQUIRE(world.commit(batch));
  CHECK(world.keys().size() > 3);
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
}

TEST_CASE("of a range too wide to look at whole there is a floor, and it is read last") {
  World world;
  Random random(6);
  std::vector<PostingChange> changes;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    changes.push_back({i * 1'000'003 + below(random, 1'000'000), below(random, 1 << 20), true});
  }
  REQUIRE(world.apply(changes));
  const std::uint64_t all = ~std::uint64_t{0};
  const auto probe = *world.reader.probe(0, all, nullptr);
  CHECK(probe.estimate.floor);
  CHECK_FALSE(probe.estimate.exact);
  CHECK(probe.estimate.pairs < 100'000);
  const auto ids = *world.reader.lookup(0, all, nullptr);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(ids.size() > 90'000);
  const IndexManager manager(*world.backend, {});
  const TermRange ranges[] = {{world.family, 0, all}, {Family::source, 0, 0}};
  const auto found = *manager.candidates(ranges, {}, nullptr, {});
  CHECK(found.partitions.empty());
  REQUIRE(found.steps.size() == 2);
  CHECK(found.steps[1].range.family == world.family);
  CHECK_FALSE(found.steps[1].used);
}

TEST_CASE("a family is built only in turn, and of pairs that a container can hold") {
  World world;
  const auto commit = [&](const KvBatch& batch) {
    return world.backend->write(batch, Durability::wal);
  };
  std::vector<PostingPair> pairs = {{1, 1}, {2, kMaxPartitionId + 1}};
  std::size_t at = 0;
  const auto next = [&](PostingPair& pair) -> Result<bool> {
    if (at == pairs.size()) return false;
    pair = pairs[at++];
    return true;
  };
  KvBatch batch;
  REQUIRE(world.mutator.apply(std::vector<PostingChange>{{5, 5, true}}, batch));
  require_error(world.mutator.build(next, commit), ErrorCode::internal);
  REQUIRE(world.commit(batch));
  for (const auto erase : {IndexManager::Erase::by_key, IndexManager::Erase::blindly}) {
    pairs[1] = pairs[0];  // twice
    at = 0;
    require_error(world.mutator.build(next, commit, erase), ErrorCode::invalid_argument);
    pairs[1] = {2, kMaxPartitionId + 1};
    at = 0;
    require_error(world.mutator.build(next, commit, erase), ErrorCode::invalid_argument);
    pairs[1] = {2, kMaxPartitionId};
    at = 0;
    REQUIRE(world.mutator.build(next, commit, erase));
    world.model = {{1, 1}, {2, kMaxPartitionId}};
    CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  }
  // Nothing at all, and what was queued meanwhile.
  pairs.clear();
  at = 0;
  REQUIRE(world.mutator.build(next, commit));
  CHECK(*world.reader.lookup(0, 9, nullptr) == std::vector<PartitionId>());
  World empty;
  REQUIRE(empty.mutator.queue_all());
  empty.mutator.queue_rewrite(posting::container_key({}));
  batch.clear();
  CHECK_FALSE(*empty.mutator.rewrite_next(batch));
}

TEST_CASE("containers that no version wrote are refused") {
  Indexes indexes(0);
  const std::string first = posting::container_key({});
  std::string base;
  posting::encode_base(std::vector<PostingPair>{{1, 2}}, base);
  indexes.put(Family::source, first, base + base);
  const TermRange all{Family::source, 0, ~std::uint64_t{0}};
  require_error(indexes.manager.lookup(all, nullptr), ErrorCode::corruption,
                "a base after other segments");
  CHECK_FALSE(IndexManager::needs_rewrite(base + base));
  indexes.put(Family::source, first, std::string(posting::kMaxContainerBytes + 1, 'x'));
  require_error(indexes.manager.lookup(all, nullptr), ErrorCode::corruption,
                "larger than any that is written");
}

TEST_CASE("a container that is gone when it shall be merged is damage; an error is an error") {
  for (const bool gone : {true, false}) {
    const auto memory = shared_memory_backend();
    Failing backend(memory);
    PostingFamily family(Family::temporal, backend);
    const auto commit = [&](const KvBatch& batch) {
      REQUIRE(memory->write(batch, Durability::wal));
      family.committed();
    };
    std::vector<PostingChange> changes;
    for (std::uint64_t i = 0; i < 60'000; ++i) changes.push_back({i, 1, true});
    KvBatch batch;
    REQUIRE(family.apply(changes, batch));
    commit(batch);
    std::string second;
    {
      const auto it = std::move(*memory->iterate(Family::temporal, nullptr, false));
      it->seek_to_first();
      it->next();
      second = it->key();
    }
    if (gone) {
      KvBatch erased;
      erased.erase(Family::temporal, second);
      REQUIRE(memory->write(erased, Durability::wal));
    } else {
      backend.left = 0;
    }
    // More than an append takes: it has to be merged.
    std::vector<PostingChange> more;
    for (const auto& change : changes) {
      more.push_back(change);
      more.push_back({change.term, 2, true});
    }
    batch.clear();
    const auto applied = family.apply(more, batch);
    CHECK(applied.has_value() == gone);
    if (gone) {
      CHECK_THAT(family.take_damage()->message(), Catch::Contains("is gone"));
    } else {
      CHECK(applied.error().code() == ErrorCode::io_error);
    }
    // After a fresh look: there is nothing to rewrite, and what is there cannot be read.
    family.reset();
    batch.clear();
    backend.left = gone ? 1 << 30 : 1;
    CHECK(family.rewrite(second, batch).has_value() == gone);
    CHECK(batch.empty());
  }
}

TEST_CASE("a rewrite of what is no container any more does nothing") {
  World world;
  REQUIRE(world.apply({{1, 1, true}, {9, 9, true}}));
  KvBatch batch;
  for (const std::string& key : {posting::container_key({5, 5}), std::string("short")}) {
    CHECK(world.mutator.rewrite(key, batch));
    world.mutator.queue_rewrite(key);
  }
  CHECK_FALSE(*world.mutator.rewrite_next(batch));
  // A single small container has nothing to be joined with, and no changes to merge.
  world.mutator.reset();
  REQUIRE(world.mutator.queue_all());
  CHECK_FALSE(*world.mutator.rewrite_next(batch));
  CHECK(batch.empty());
}

TEST_CASE("partitions too far apart for the cache are read all the same, each time") {
  World world;
  world.model = {{1, 1}, {1, std::uint64_t{1} << 40}, {2, 5}, {9, 1}};
  std::vector<PostingChange> changes;
  for (const auto& pair : world.model) changes.push_back({pair.term, pair.partition, true});
  REQUIRE(world.apply(changes));
  for (int i = 0; i < 5; ++i) {
    CHECK(difference(world.reader, world.model, 1, 1, nullptr) == std::nullopt);
    CHECK(difference(world.reader, world.model, 0, 9, nullptr) == std::nullopt);
  }
}

TEST_CASE("of a cached container terms before, between and behind its own are absent") {
  World world;
  world.model = {{10, 1}, {10, 2}, {20, 5}};
  REQUIRE(world.apply({{10, 1, true}, {10, 2, true}, {20, 5, true}}));
  for (int i = 0; i < 5; ++i) {
    for (const std::uint64_t term : {5, 10, 15, 20, 25}) {
      CHECK(difference(world.reader, world.model, term, term, nullptr) == std::nullopt);
    }
    CHECK(difference(world.reader, world.model, 11, 19, nullptr) == std::nullopt);
  }
}

TEST_CASE("terms of confidence are those of the nearer end outside of [0, 1]") {
  CHECK(TermRules::confidence(std::nanf("")) == 0);
  CHECK(TermRules::confidence(-1.0F) == 0);
  CHECK(TermRules::confidence(0.5F) == 2047);
  CHECK(TermRules::confidence(1.0F) == 4095);
  CHECK(TermRules::confidence(2.0F) == 4095);
}
