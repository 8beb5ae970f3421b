// Random work on a family against a plain set.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>

#include "test/indexes/posting_world.h"

using namespace caveat;
using namespace caveat::test;

namespace {

std::uint64_t first_seed() {
  const char* given = std::getenv("CAVEAT_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 20240;
}

struct OldView {
  std::shared_ptr<const KvSnapshot> snapshot;
  Model model;
};

std::optional<std::string> compare(World& world, Random& random, Shape shape, const Model& model,
                                   const KvSnapshot* snapshot) {
  auto lo = random_pair(random, shape).term;
  auto hi = below(random, 2) == 0 ? lo : random_pair(random, shape).term;
  if (lo > hi) std::swap(lo, hi);
  return difference(world.reader, model, lo, hi, snapshot);
}

// The first disagreement within so many steps. `drop_every`: a planted bug, losing that add.
std::optional<std::string> run(std::uint64_t seed, Shape shape, int steps, std::size_t drop_every) {
  Random random(seed);
  World world;
  std::deque<OldView> views;
  std::size_t adds = 0;
  for (int step = 0; step < steps; ++step) {
    const auto dice = below(random, 100);
    KvBatch batch;
    if (dice < 45) {
      const auto size = dice < 3 ? 30000 : dice < 15 ? 2000 : 1 + below(random, 100);
      auto changes = random_changes(random, shape, size, world.model);
      const auto meant = changes;
      if (drop_every != 0) {
        const auto lost = [&](const PostingChange& change) {
          return change.add && ++adds % drop_every == 0;
        };
        changes.erase(std::remove_if(changes.begin(), changes.end(), lost), changes.end());
      }
      if (auto done = world.mutator.apply(changes, batch); !done) return done.error().message();
      if (below(random, 20) == 0) {
        world.mutator.reset();  // as after a failed write
        continue;
      }
      apply_to(world.model, meant);
    } else if (dice < 75) {
      if (below(random, 10) == 0)
        if (auto done = world.mutator.queue_all(); !done) return done.error().message();
      const auto done = world.mutator.rewrite_next(batch);
      if (!done) return done.error().message();
      if (below(random, 20) == 0) {
        world.mutator.reset();
        continue;
      }
    } else if (dice < 80) {
      views.push_back({*world.backend->snapshot(), world.model});
      if (views.size() > 3) views.pop_front();
    } else if (dice < 82) {
      // Remove a stretch: containers empty and are joined.
      std::vector<PostingChange> changes;
      auto at = world.model.lower_bound(random_pair(random, shape));
      for (int i = 0; i < 20000 && at != world.model.end(); ++i, ++at)
        changes.push_back({at->term, at->partition, false});
      if (auto done = world.mutator.apply(changes, batch); !done) return done.error().message();
      apply_to(world.model, changes);
    } else {
      auto wrong = compare(world, random, shape, world.model, nullptr);
      for (const auto& view : views)
        if (!wrong) wrong = compare(world, random, shape, view.model, view.snapshot.get());
      if (wrong) return fmt::format("step {}: {}", step, *wrong);
    }
    if (!world.commit(batch)) return "commit failed";
  }
  if (auto wrong = difference_of_all(world.reader, world.model, nullptr)) return wrong;
  // At the end everything is merged; what is known without reading agrees with what is read.
  if (auto done = world.mutator.queue_all(); !done) return done.error().message();
  while (true) {
    KvBatch batch;
    const auto done = world.mutator.rewrite_next(batch);
    if (!done) return done.error().message();
    if (!world.commit(batch)) return "commit failed";
    if (!*done) break;
  }
  if (auto wrong = difference_of_all(world.reader, world.model, nullptr)) return wrong;
  const auto read = world.reader.statistics(nullptr);
  const auto known = world.mutator.known_statistics();
  if (!read) return read.error().message();
  if (read->containers != known.containers || read->bytes != known.bytes ||
      read->pairs != known.pairs || read->pending_changes != known.pending_changes)
    return "statistics differ";
  if (read->pairs != world.model.size() || read->pending_changes != 0)
    return fmt::format("{} pairs, {} changes after the last merge, not {}", read->pairs,
                       read->pending_changes, world.model.size());
  for (auto& view : views)
    if (auto wrong = difference_of_all(world.reader, view.model, view.snapshot.get())) return wrong;
  return std::nullopt;
}

}  // namespace

TEST_CASE("a family answers like a set, through appends, splits, joins and old snapshots") {
  const auto shape =
      GENERATE(Shape::scattered, Shape::long_runs, Shape::like_times, Shape::extreme);
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 2; ++seed) {
    CAPTURE(seed, static_cast<int>(shape));
    const auto wrong = run(seed, shape, 200, 0);
    INFO(wrong.value_or(""));
    CHECK(!wrong);
  }
}

TEST_CASE("the model test notices that every 100th add is lost") {
  for (const auto shape : {Shape::scattered, Shape::long_runs, Shape::like_times})
    CHECK(run(first_seed(), shape, 250, 100).has_value());
}

namespace {

// Writes a batch entry by entry, as a backend does that is atomic only within one key, and compares
// after each. `stop`: how many; the process ends there, and the next one works with what it finds.
void write_in_steps(World& world, const KvBatch& batch, std::size_t stop) {
  for (std::size_t i = 0; i < batch.count() && i < stop; ++i) {
    const auto entry = batch.entry(i);
    KvBatch one;
    if (entry.op == KvBatch::Op::put) {
      one.put(entry.family, entry.key, entry.value);
    } else {
      REQUIRE(entry.op == KvBatch::Op::erase);
      one.erase(entry.family, entry.key);
    }
    REQUIRE(world.backend->write(one, Durability::wal));
    const auto wrong = difference_of_all(world.reader, world.model, nullptr);
    INFO(wrong.value_or(""));
    REQUIRE(!wrong);
  }
}

}  // namespace

TEST_CASE("a rewrite of which only a part was written leaves no hint behind") {
  Random random(first_seed());
  std::size_t splits = 0;
  std::size_t joins = 0;
  for (const auto shape : {Shape::scattered, Shape::like_times, Shape::long_runs}) {
    World world;
    for (int round = 0; round < 24; ++round) {
      // As many as one append takes, so that containers outgrow their size by appends alone.
      const auto changes = random_changes(random, shape, posting::kMaxOperandChanges, world.model);
      REQUIRE(world.apply(changes));
      apply_to(world.model, changes);
      if (round % 6 == 5) {
        // Thin out, so that there is something to join; in pieces, so that they are appended.
        std::vector<PostingChange> removes;
        const auto thinned = world.model;
        for (const auto& pair : thinned) {
          if (below(random, 16) != 0) removes.push_back({pair.term, pair.partition, false});
          if (removes.size() < posting::kMaxOperandChanges) continue;
          REQUIRE(world.apply(removes));
          apply_to(world.model, removes);
          removes.clear();
        }
        REQUIRE(world.apply(removes));
        apply_to(world.model, removes);
      }
      REQUIRE(world.mutator.queue_all());
      while (true) {
        const auto before = world.keys().size();
        KvBatch batch;
        const auto done = world.mutator.rewrite_next(batch);
        REQUIRE(done);
        if (!*done) break;
        if (below(random, 3) == 0) {
          write_in_steps(world, batch, below(random, batch.count()));
          world.mutator.reset();
          REQUIRE(world.mutator.queue_all());
          continue;
        }
        write_in_steps(world, batch, batch.count());
        world.mutator.committed();
        splits += world.keys().size() > before ? 1 : 0;
        joins += world.keys().size() < before ? 1 : 0;
      }
    }
    CHECK(difference_of_all(world.reader, world.model, nullptr) == std::nullopt);
  }
  CHECK(splits >= 3);
  CHECK(joins >= 3);
}
