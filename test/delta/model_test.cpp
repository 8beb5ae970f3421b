// The delta against the model: random writes, ceilings and filters.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>

#include "caveat/memory_pool.h"
#include "caveat/write_batch.h"
#include "test/delta/delta_world.h"
#include "test/support/seed.h"

using namespace caveat;
using test::DeltaWorld;

namespace {

// What is under test: makes the view of a ceiling. The planted bugs make a wrong one.
// `scratch` lives as long as the view.
using MakeView = std::function<DeltaView(const DeltaWorld&, Sequence, test::Generations& scratch)>;

DeltaView right_view(const DeltaWorld& world, Sequence ceiling, test::Generations&) {
  return {world.generations(), ceiling};
}

// Each check gives the first difference, or nothing.
std::string check_lookups(const DeltaView& view, const DeltaWorld& world, Sequence ceiling) {
  auto keys = world.model().at(ceiling);
  const auto spread = [](std::uint64_t i) { return i == 1 ? ~std::uint64_t{0} : i; };
  for (std::uint64_t n = 0; n < world.options().nodes; ++n) {
    bool live = false;
    bool shadowed = false;
    const NodeId node = spread(n);
    for (std::uint64_t p = 0; p < world.options().properties; ++p) {
      const ExceptionKey key{node, spread(p)};
      auto& state = keys[key];
      if (state.kind == DeltaHit::Kind::none && world.model().cleared(key, ceiling)) {
        state.kind = DeltaHit::Kind::removed;
      }
      live = live || state.kind == DeltaHit::Kind::row;
      shadowed = shadowed || state.kind != DeltaHit::Kind::none;
      const DeltaHit hit = view.lookup(key);
      const bool same = hit.kind == state.kind &&
                        (hit.kind == DeltaHit::Kind::row) == (hit.row != nullptr) &&
                        (hit.row == nullptr || hit.row->encoded() == state.encoded);
      if (!same || view.shadows(key) != (state.kind != DeltaHit::Kind::none)) {
        return fmt::format("lookup ({}, {}) at {}", key.node_id, key.property_hash, ceiling);
      }
    }
    const DeltaNodeState state = view.node_state(node);
    if (state.live != live || view.has_visible_row_of_node(node) != live) {
      return fmt::format("node {} at {}: live", node, ceiling);
    }
    // These may say yes for nothing, but never no for something.
    if (shadowed && !state.shadows && !state.cleared) {
      return fmt::format("node {} at {}: shadows", node, ceiling);
    }
  }
  return {};
}

std::string check_select(const DeltaView& view, const DeltaWorld& world, Sequence ceiling,
                         const DeltaFilter& filter) {
  std::vector<std::pair<ExceptionKey, std::string>> expected;
  for (const auto& [key, state] : world.model().at(ceiling)) {
    if (state.kind != DeltaHit::Kind::row) continue;
    const ExceptionView r = decode_trusted_row(state.encoded).record;
    const bool match =
        (!filter.node || key.node_id == *filter.node) &&
        (!filter.property || key.property_hash == *filter.property) &&
        (!filter.source || r.source == *filter.source) &&
        (!filter.confidence ||
         (filter.confidence->min <= r.confidence && r.confidence <= filter.confidence->max)) &&
        (!filter.time ||
         (filter.time->start_ns <= r.created_at && r.created_at <= filter.time->end_ns)) &&
        (!filter.lower || !(key < *filter.lower)) && (!filter.upper || key < *filter.upper);
    if (match) expected.emplace_back(key, state.encoded);
  }
  const auto rows = view.select(filter);
  if (rows.size() != expected.size()) {
    return fmt::format("select at {}: {} rows, not {}", ceiling, rows.size(), expected.size());
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->key != expected[i].first || rows[i]->encoded() != expected[i].second) {
      return fmt::format("select at {}: row {}", ceiling, i);
    }
  }
  if (view.estimate(filter) < rows.size()) {
    return fmt::format("estimate at {}: too low", ceiling);
  }
  return {};
}

std::string run(std::uint64_t seed, const test::WorldOptions& options,
                const MakeView& make_view = right_view) {
  DeltaWorld world(seed, options);
  const std::size_t steps = options.generations * options.writes_per_generation;
  for (std::size_t i = 0; i < steps; ++i) {
    world.step();
    if (i % 37 != 0) continue;
    // The newest ceiling and one long past, which pins what was superseded since.
    for (const Sequence ceiling : {world.last_sequence(), world.below(world.last_sequence() + 1)}) {
      test::Generations scratch;
      const DeltaView view = make_view(world, ceiling, scratch);
      auto difference = check_lookups(view, world, ceiling);
      for (int query = 0; query < 8 && difference.empty(); ++query) {
        difference = check_select(view, world, ceiling, world.random_filter());
      }
      if (!difference.empty()) return difference;
    }
  }
  return {};
}

test::WorldOptions random_options(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  test::WorldOptions options;
  options.generations = 1 + random() % 4;
  options.writes_per_generation = 20 + random() % 300;
  options.nodes = 2 + random() % 40;
  options.properties = 2 + random() % 8;
  options.clear_one_in = random() % 3 == 0 ? 0 : 10 + random() % 90;
  static constexpr std::uint32_t kSegments[] = {1, 3, 16, 64, 4096};
  options.generation.segment_rows = kSegments[random() % 5];
  options.generation.unsorted_rows = static_cast<std::uint32_t>(random() % 20);
  options.generation.capacity_rows = random() % 100;
  return options;
}

std::string run_seeds(const MakeView& make_view, std::uint64_t count) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    auto difference = run(seed, random_options(seed), make_view);
    if (!difference.empty()) return fmt::format("seed {}: {}", seed, difference);
  }
  return {};
}

}  // namespace

TEST_CASE("the delta answers like a plain map of all writes", "[delta][model]") {
  std::mt19937_64 seeds(test::chosen_seed());
  for (int i = 0; i < 60; ++i) {
    const std::uint64_t seed = seeds();
    CAPTURE(seed);
    REQUIRE(run(seed, random_options(seed)) == "");
  }
}

TEST_CASE("each condition of a filter is asked of a row", "[delta]") {
  DeltaRow row;
  row.key = {7, 30};
  row.source = ExceptionSource::Imported;
  row.confidence = 0.5F;
  row.created_at = 100;
  const auto matches = [&](auto change) {
    DeltaFilter filter;
    change(filter);
    return delta_row_matches(row, filter);
  };
  CHECK(matches([](DeltaFilter&) {}));
  CHECK(matches([](DeltaFilter& f) { f.node = 7; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.node = 8; }));
  CHECK(matches([](DeltaFilter& f) { f.property = 30; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.property = 31; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.source = ExceptionSource::Explicit; }));
  CHECK(matches([](DeltaFilter& f) { f.confidence = {0.5F, 0.5F}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.confidence = {0.6F, 1.0F}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.confidence = {0.0F, 0.4F}; }));
  CHECK(matches([](DeltaFilter& f) { f.time = {100, 100}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.time = {101, 200}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.time = {0, 99}; }));
  CHECK(matches([](DeltaFilter& f) { f.lower = {7, 30}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.lower = {7, 31}; }));
  CHECK_FALSE(matches([](DeltaFilter& f) { f.upper = {7, 30}; }));
  CHECK(matches([](DeltaFilter& f) { f.upper = {7, 31}; }));
}

// Each stretch walked past all of the node's keys: a minute for a query of 300,000.
TEST_CASE("a stretch of a node's many keys costs what is in it", "[delta][regression]") {
  const NodeId node = GENERATE(~NodeId{0}, NodeId{70});  // of one, no key is behind it
  constexpr std::uint64_t kKeys = 100'000;
  constexpr std::uint64_t kKeysOfStretch = 200;
  MemoryPool pool(1 << 20);
  const auto generation = std::make_shared<Generation>(1, pool);
  WriteBatch batch;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    // The neighbour's keys lie among them.
    REQUIRE(batch.store_exception({node - i % 2, i * 7919 % kKeys}, Exception()));
  }
  REQUIRE(batch.remove_exception({node, 1}));
  generation->reserve(batch.rows(), batch.count());
  generation->insert_rows(1, batch.rows(), batch.count());
  const test::Generations generations{generation};
  const DeltaView view(generations, kMaxSequence);
  DeltaFilter all;
  all.node = node;
  const auto whole = view.select(all);
  const auto begun = std::chrono::steady_clock::now();
  std::vector<const DeltaRow*> gathered;
  for (std::uint64_t first = 0; first < kKeys; first += kKeysOfStretch) {
    DeltaFilter stretch = all;
    stretch.from({node, first});
    if (first + kKeysOfStretch < kKeys) stretch.below({node, first + kKeysOfStretch});
    const auto found = view.select(stretch);
    gathered.insert(gathered.end(), found.begin(), found.end());
  }
  CHECK(gathered == whole);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
}

TEST_CASE("a generation may have a node that was written to or cleared, and no other", "[delta]") {
  MemoryPool pool(1 << 20);
  Generation generation(1, pool);
  WriteBatch batch;
  REQUIRE(batch.clear_node(3));
  REQUIRE(batch.remove_exception({5, 1}));
  generation.reserve(batch.rows(), batch.count());
  generation.insert_rows(1, batch.rows(), batch.count());
  for (NodeId node = 0; node < 8; ++node) {
    CHECK(generation.may_have_node(node) == (node == 3 || node == 5));
  }
}

TEST_CASE("the model catches views that are wrong", "[delta][model]") {
  REQUIRE(run_seeds(right_view, 5) == "");
  MakeView wrong;
  SECTION("the ceiling is ignored") {
    wrong = [](const DeltaWorld& world, Sequence, test::Generations&) {
      return DeltaView(world.generations(), kMaxSequence);
    };
  }
  SECTION("the ceiling is off by one") {
    wrong = [](const DeltaWorld& world, Sequence ceiling, test::Generations&) {
      return DeltaView(world.generations(), ceiling == 0 ? 0 : ceiling - 1);
    };
  }
  SECTION("generations oldest first") {
    wrong = [](const DeltaWorld& world, Sequence ceiling, test::Generations& scratch) {
      scratch.assign(world.generations().rbegin(), world.generations().rend());
      return DeltaView(scratch, ceiling);
    };
  }
  SECTION("the oldest generation is dropped too early") {
    wrong = [](const DeltaWorld& world, Sequence ceiling, test::Generations& scratch) {
      scratch = world.generations();
      if (scratch.size() > 1) scratch.pop_back();
      return DeltaView(scratch, ceiling);
    };
  }
  REQUIRE(run_seeds(wrong, 5) != "");
}
