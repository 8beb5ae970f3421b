// What a family does at its edges: damage, misuse, building anew, bounds on memory and bytes.
#include <catch2/catch.hpp>

#include "test/indexes/posting_world.h"

using namespace caveat;
using namespace caveat::test;

namespace {

std::vector<PostingChange> adds(const Model& model) {
  std::vector<PostingChange> changes;
  for (const auto& pair : model) changes.push_back({pair.term, pair.partition, true});
  return changes;
}

Model random_model(Random& random, Shape shape, std::size_t count) {
  Model model;
  for (std::size_t i = 0; i < count; ++i) model.insert(random_pair(random, shape));
  return model;
}

// A world of several containers.
void fill(World& world, std::size_t count = 60000) {
  Random random(11);
  world.model = random_model(random, Shape::like_times, count);
  REQUIRE(world.apply(adds(world.model)));
  REQUIRE(world.keys().size() > 3);
}

Result<std::vector<PartitionId>> lookup_all(World& world) {
  return world.reader.lookup(0, ~std::uint64_t{0}, nullptr);
}

void put(World& world, std::string_view key, std::string_view value) {
  KvBatch batch;
  batch.put(world.family, key, value);
  REQUIRE(world.backend->write(batch, Durability::wal));
}

}  // namespace

TEST_CASE("an empty family has no candidates") {
  World world;
  CHECK(lookup_all(world)->empty());
  CHECK(world.reader.probe(0, 9, nullptr)->estimate.pairs == 0);
  CHECK(!*(*world.reader.cursor(0, 9, true, nullptr))->next());
  KvBatch batch;
  CHECK(!*world.mutator.rewrite_next(batch));
  CHECK(world.mutator.rewrite(posting::container_key({3, 4}), batch));
  CHECK(batch.empty());
}

TEST_CASE("a damaged container is reported with family and key, and the others can be read") {
  World world;
  fill(world);
  const auto keys = world.keys();
  const auto& key = keys[2];
  const auto good = world.value(key);
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, good.size() / 2, good.size() - 1}) {
    auto wrong = good;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
    put(world, key, wrong);
    const auto found = lookup_all(world);
    REQUIRE(!found);
    CHECK(found.error().code() == ErrorCode::corruption);
    CHECK_THAT(found.error().message(), Catch::StartsWith("temporal 0x0000"));
    // Terms of other containers are still found.
    const auto first = world.model.begin()->term;
    CHECK(difference(world.reader, world.model, first, first, nullptr) == std::nullopt);

    std::size_t pairs = 0;
    std::vector<std::string> errors;
    REQUIRE(world.reader.for_each_pair(
        nullptr,
        [&](const PostingPair&) {
          ++pairs;
          return true;
        },
        [&](const StorageError& error) { errors.push_back(error.message()); }));
    CHECK(errors.size() == 1);
    CHECK(pairs < world.model.size());
    CHECK(pairs > world.model.size() / 2);

    // A rewrite says so and changes nothing; writes go on.
    world.mutator.reset();
    KvBatch batch;
    const auto rewritten = world.mutator.rewrite(key, batch);
    REQUIRE(!rewritten);
    CHECK(rewritten.error().code() == ErrorCode::corruption);
    CHECK(batch.empty());
    CHECK(world.apply({{5, 5, true}}));
    CHECK(world.apply({{5, 5, false}}));
  }
}

TEST_CASE("a damaged container that is queued is reported once") {
  World world;
  fill(world);
  const auto key = world.keys()[1];
  const auto bound = *posting::parse_container_key(key);
  REQUIRE(world.apply({{bound.term, bound.partition, false}}));
  auto wrong = world.value(key);
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  put(world, key, wrong);
  world.mutator.reset();
  REQUIRE(world.mutator.queue_all());
  int reports = 0;
  for (int i = 0; i < 10; ++i) {
    KvBatch batch;
    const auto done = world.mutator.rewrite_next(batch);
    if (!done) ++reports;
    if (done) REQUIRE(world.commit(batch));
  }
  CHECK(reports == 1);
}

TEST_CASE("writes to a damaged container go on, however many") {
  World world;
  fill(world);
  const auto key = world.keys()[1];
  auto wrong = world.value(key);
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  put(world, key, wrong);
  const auto bound = *posting::parse_container_key(key);
  Random random(3);
  for (int round = 0; round < 30; ++round) {
    std::vector<PostingChange> changes;
    for (std::uint64_t i = 0; i < 3000; ++i)
      changes.push_back({bound.term, bound.partition + 3 * i + below(random, 3), true});
    REQUIRE(world.apply(changes));
  }
  const auto found = lookup_all(world);
  CHECK(!found);
}

TEST_CASE("a family without its first container, or with a foreign key, is corrupt") {
  World world;
  fill(world);
  const auto first = world.keys().front();
  const auto value = world.value(first);
  KvBatch batch;
  batch.erase(world.family, first);
  REQUIRE(world.backend->write(batch, Durability::wal));
  CHECK(lookup_all(world).error().code() == ErrorCode::corruption);
  world.mutator.reset();
  batch.clear();
  CHECK(world.mutator.apply(std::vector<PostingChange>{{1, 1, true}}, batch).error().code() ==
        ErrorCode::corruption);
  put(world, first, value);
  CHECK(lookup_all(world));
  put(world, "short", value);
  CHECK(lookup_all(world).error().code() == ErrorCode::corruption);
}

TEST_CASE("a batch must be settled before the next, and a dropped one changes nothing") {
  World world;
  fill(world);
  KvBatch first;
  KvBatch second;
  const std::vector<PostingChange> change = {{1, 1, true}};
  REQUIRE(world.mutator.apply(change, first));
  CHECK(world.mutator.apply(change, second).error().code() == ErrorCode::internal);
  CHECK(world.mutator.rewrite_next(second).error().code() == ErrorCode::internal);
  world.mutator.reset();
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  CHECK(world.mutator.apply(std::vector<PostingChange>{{1, kMaxPartitionId + 1, true}}, second)
            .error()
            .code() == ErrorCode::limit_exceeded);
  CHECK(world.apply(change));
}

TEST_CASE("removals at the end of a batch stand behind whatever it put") {
  World world;
  fill(world);
  Random random(12);
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    // At first so many that containers are merged, and cut, in the same batch.
    Model fresh = random_model(random, Shape::like_times, round < 3 ? 40000 : 100);
    std::vector<PostingChange> removals;
    for (const auto& pair : world.model) {
      if (below(random, round < 3 ? 4 : 400) == 0 && !fresh.contains(pair))
        removals.push_back({pair.term, pair.partition, false});
    }
    KvBatch batch;
    REQUIRE(world.mutator.apply(adds(fresh), batch));
    const auto before = batch.count();
    world.mutator.remove_last(removals, batch);
    for (std::size_t i = before; i < batch.count(); ++i)
      CHECK(batch.entry(i).op == KvBatch::Op::append);
    REQUIRE(world.commit(batch));
    world.model.insert(fresh.begin(), fresh.end());
    for (const auto& removed : removals) world.model.erase(removed.pair());
    CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  }
  // By themselves, and in a family that has nothing.
  KvBatch alone;
  const auto first = *world.model.begin();
  REQUIRE(world.mutator.apply({}, alone));
  world.mutator.remove_last(std::vector<PostingChange>{{first.term, first.partition, false}},
                            alone);
  REQUIRE(world.commit(alone));
  world.model.erase(first);
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  World empty;
  KvBatch none;
  REQUIRE(empty.mutator.apply({}, none));
  empty.mutator.remove_last(std::vector<PostingChange>{{1, 2, false}}, none);
  CHECK(none.empty());
}

TEST_CASE("of several changes to one pair the last one counts") {
  World world;
  REQUIRE(world.apply({{1, 1, true}, {1, 1, false}, {1, 2, false}, {1, 2, true}}));
  CHECK(*lookup_all(world) == std::vector<PartitionId>{2});
  REQUIRE(world.apply({{1, 1, true}, {1, 2, false}, {1, 2, true}, {1, 2, false}}));
  CHECK(*lookup_all(world) == std::vector<PartitionId>{1});
  // Twice the same, and removing what is not there.
  REQUIRE(world.apply({{1, 1, true}, {7, 7, false}}));
  CHECK(*lookup_all(world) == std::vector<PartitionId>{1});
}

TEST_CASE("appended changes are asked to be merged once they outgrow the base") {
  World world;
  fill(world);
  const auto key = world.keys()[1];
  const auto bound = *posting::parse_container_key(key);
  CHECK_FALSE(IndexManager::needs_rewrite(world.value(key)));
  Random random(4);
  int rounds = 0;
  while (!IndexManager::needs_rewrite(world.value(key))) {
    std::vector<PostingChange> changes;
    for (std::uint64_t i = 0; i < 100; ++i)
      changes.push_back({bound.term, bound.partition + 64 * i + below(random, 64), true});
    REQUIRE(world.apply(changes));
    apply_to(world.model, changes);
    REQUIRE(++rounds < 100);
  }
  CHECK(rounds > 3);
  KvBatch batch;
  CHECK(*world.mutator.rewrite_next(batch));
  REQUIRE(world.commit(batch));
  CHECK_FALSE(IndexManager::needs_rewrite(world.value(key)));
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  batch.clear();
  CHECK_FALSE(*world.mutator.rewrite_next(batch));
  for (const std::string_view junk : {"", "x", "CVPS and then nothing that makes sense......"})
    CHECK_FALSE(IndexManager::needs_rewrite(junk));
}

TEST_CASE("containers stay bounded when nobody rewrites them") {
  World world;
  Random random(5);
  std::size_t largest = 0;
  for (int round = 0; round < 400; ++round) {
    const auto changes = random_changes(random, Shape::scattered, 1000, world.model);
    REQUIRE(world.apply(changes));
    apply_to(world.model, changes);
    if (round % 10 != 9) continue;
    for (const auto& key : world.keys()) largest = std::max(largest, world.value(key).size());
  }
  CHECK(largest < 2 * posting::kMaxPendingBytes);
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
}

TEST_CASE("a family that is built anew holds what it was given, in small batches") {
  Random random(6);
  for (const std::size_t count : {0U, 1U, 5000U, 49152U, 200000U}) {
    World world;
    fill(world);
    const auto model =
        random_model(random, count % 2 == 0 ? Shape::like_times : Shape::scattered, count);
    auto at = model.begin();
    std::size_t largest = 0;
    const auto next = [&](PostingPair& pair) -> Result<bool> {
      if (at == model.end()) return false;
      pair = *at++;
      return true;
    };
    const auto commit = [&](const KvBatch& batch) {
      largest = std::max(largest, batch.bytes());
      return world.backend->write(batch, Durability::wal);
    };
    REQUIRE(world.mutator.build(next, commit));
    CHECK(largest <= std::size_t{256} << 10);
    CHECK(difference_of_all(world.reader, model, nullptr) == std::nullopt);
    CHECK(world.apply({{1, 1, true}}));
  }
}

TEST_CASE("a family of pairs that cannot be packed is built in small batches too") {
  World world;
  Random random(7);
  Model model;
  while (model.size() < 60'000) model.insert({random(), random() >> 24});
  auto at = model.begin();
  std::size_t batches = 0;
  std::size_t largest = 0;
  REQUIRE(world.mutator.build(
      [&](PostingPair& pair) -> Result<bool> {
        if (at == model.end()) return false;
        pair = *at++;
        return true;
      },
      [&](const KvBatch& batch) {
        ++batches;
        largest = std::max(largest, batch.bytes());
        return world.backend->write(batch, Durability::wal);
      }));
  CHECK(batches > 1);
  CHECK(largest <= std::size_t{256} << 10);
  CHECK(difference_of_all(world.reader, model, nullptr) == std::nullopt);
}

TEST_CASE("a build that fails or gets bad input says so, and can be repeated") {
  World world;
  fill(world);
  const auto commit = [&](const KvBatch& batch) {
    return world.backend->write(batch, Durability::wal);
  };
  int commits = 0;
  const auto full = [&](const KvBatch& batch) -> Result<void> {
    if (++commits > 1) return fail(ErrorCode::no_space, "full");
    return world.backend->write(batch, Durability::wal);
  };
  auto at = world.model.begin();
  const auto next = [&](PostingPair& pair) -> Result<bool> {
    if (at == world.model.end()) return false;
    pair = *at++;
    return true;
  };
  CHECK(world.mutator.build(next, full).error().code() == ErrorCode::no_space);
  CHECK(lookup_all(world));
  std::uint64_t left = 3;
  const auto falling = [&](PostingPair& pair) -> Result<bool> {
    pair = {left--, 1};
    return true;
  };
  CHECK(world.mutator.build(falling, commit).error().code() == ErrorCode::invalid_argument);
  CHECK(lookup_all(world));
  at = world.model.begin();
  REQUIRE(world.mutator.build(next, commit));
  CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
}
