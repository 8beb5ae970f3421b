// Folding the generations, one by one or several at once, gives what a reader of all of them sees.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "engine/delta/merge_generation.h"
#include "test/delta/delta_world.h"
#include "test/support/seed.h"

using namespace caveat;
using test::DeltaWorld;

namespace {

using Primary = std::map<ExceptionKey, std::string>;

// What the fold does to the primary: clears first, as they are older than the rows or not theirs.
void fold(std::span<const std::shared_ptr<const Generation>> youngest_first, Primary& primary) {
  WorkerPool workers;
  const FoldInput input = merge_generations(youngest_first, workers);
  for (const DeltaClear& clear : input.clears) {
    std::erase_if(primary, [&](const auto& entry) {
      return clear.term ==
             (clear.kind == RowKind::clear_node ? entry.first.node_id : entry.first.property_hash);
    });
  }
  for (std::size_t i = 0; i < input.rows.size(); ++i) {
    const DeltaRow& row = *input.rows[i];
    REQUIRE((i == 0 || input.rows[i - 1]->key < row.key));
    if (row.kind == RowKind::store) {
      primary[row.key] = row.encoded();
    } else {
      REQUIRE(row.kind == RowKind::remove);
      primary.erase(row.key);
    }
  }
  for (std::size_t i = 1; i < input.clears.size(); ++i) {
    REQUIRE(input.clears[i - 1].sequence < input.clears[i].sequence);
  }
}

}  // namespace

TEST_CASE("folded generations hold what a reader of the delta sees", "[delta][merge]") {
  std::mt19937_64 seeds(test::chosen_seed());
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t seed = seeds();
    CAPTURE(seed);
    test::WorldOptions options;
    options.nodes = 2 + seed % 60;
    options.clear_one_in = 10 + seed % 50;
    DeltaWorld world(seed, options);
    for (int step = 0; step < 700; ++step) world.step();
    world.writable().seal();

    Primary primary;
    const auto& generations = world.generations();
    const std::span<const std::shared_ptr<const Generation>> all(generations);
    const std::size_t at_once = 1 + seed / 64 % 4;
    CAPTURE(at_once, all.size());
    for (std::size_t left = all.size(); left > 0;) {  // the oldest come last
      const std::size_t n = std::min(at_once, left);
      fold(all.subspan(left - n, n), primary);
      left -= n;
    }

    const auto rows = DeltaView(generations, world.last_sequence()).select({});
    REQUIRE(rows.size() == primary.size());
    auto expected = primary.begin();
    for (const DeltaRow* row : rows) {
      REQUIRE(row->key == expected->first);
      REQUIRE(row->encoded() == expected->second);
      ++expected;
    }
  }
}

TEST_CASE("an empty generation merges to nothing", "[delta][merge]") {
  MemoryPool pool;
  const auto generation = std::make_shared<Generation>(1, pool);
  generation->seal();
  const std::shared_ptr<const Generation> sealed = generation;
  WorkerPool workers;
  REQUIRE(merge_generations({&sealed, 1}, workers).rows.empty());
  REQUIRE(merge_generations({&sealed, 1}, workers).clears.empty());
  REQUIRE(merge_generations({}, workers).rows.empty());
}

TEST_CASE("a sealed generation tells its rows by key, and the properties of its records",
          "[delta][merge][threads]") {
  std::mt19937_64 seeds(test::chosen_seed());
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t seed = seeds();
    CAPTURE(seed);
    DeltaWorld world(seed, {});
    for (int step = 0; step < 700; ++step) world.step();
    world.writable().seal();
    for (const auto& generation : world.generations()) {
      std::vector<const DeltaRow*> rows;
      std::set<PropertyHash> properties;
      generation->by_key().for_each([&](const DeltaRow& row) {
        rows.push_back(&row);
        if (row.kind == RowKind::store) properties.insert(row.key.property_hash);
      });
      std::sort(rows.begin(), rows.end(),
                [](const DeltaRow* a, const DeltaRow* b) { return a->key < b->key; });
      REQUIRE_FALSE(generation->is_sorted());
      const std::size_t bytes = generation->bytes();

      // Whoever asks first makes it; all see the same.
      const detail::SortedRows* seen[4];
      std::vector<std::thread> askers;
      for (auto& asker : seen) askers.emplace_back([&] { asker = &generation->sorted(); });
      for (auto& thread : askers) thread.join();
      for (const auto* sorted : seen) REQUIRE(sorted == seen[0]);
      REQUIRE(generation->is_sorted());
      REQUIRE(generation->bytes() == bytes + seen[0]->bytes());

      REQUIRE(seen[0]->rows.size() == rows.size());
      for (std::size_t k = 0; k < rows.size(); ++k) {
        REQUIRE(seen[0]->rows[k].row == rows[k]);
        REQUIRE(seen[0]->rows[k].key == rows[k]->key);
      }
      REQUIRE(seen[0]->properties ==
              std::vector<PropertyHash>(properties.begin(), properties.end()));
    }
  }
}
