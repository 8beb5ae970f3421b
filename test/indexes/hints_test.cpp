// Terms, the hint sets of partitions, and candidates over several conditions.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "test/indexes/posting_world.h"

using namespace caveat;
using namespace caveat::test;

TEST_CASE("confidence terms are monotone, and ranges of them lose nothing") {
  Random random(1);
  float last = 0.0F;
  for (int i = 0; i < 200000; ++i) {
    const float next = std::min(1.0F, last + static_cast<float>(below(random, 1000)) * 1e-8F);
    CHECK_FALSE(TermRules::confidence(next) < TermRules::confidence(last));
    last = next;
  }
  CHECK(TermRules::confidence(0.0F) == 0);
  CHECK(TermRules::confidence(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(TermRules::confidence(std::nextafter(1.0F, 0.0F)) == 4094);
  CHECK(TermRules::confidence(1.0F) == 4095);
  CHECK(TermRules::confidence(-3.0F) == 0);
  CHECK(TermRules::confidence(std::numeric_limits<float>::infinity()) == 4095);
  CHECK(TermRules::confidence(std::numeric_limits<float>::quiet_NaN()) == 0);
}

TEST_CASE("times keep their order as terms, also before 1970") {
  for (const unsigned shift : {0U, 20U, 36U, 63U}) {
    const TermRules rules{shift};
    const std::int64_t times[] = {std::numeric_limits<std::int64_t>::min(),
                                  -1'000'000'000'000,
                                  -1,
                                  0,
                                  1,
                                  1'700'000'000'000'000'000,
                                  std::numeric_limits<std::int64_t>::max()};
    for (std::size_t i = 1; i < std::size(times); ++i)
      CHECK(rules.temporal(times[i - 1]) <= rules.temporal(times[i]));
  }
  CHECK(TermRules{0}.temporal(std::numeric_limits<std::int64_t>::min()) == 0);
  CHECK(TermRules{63}.temporal(-1) == 0);
  CHECK(TermRules{63}.temporal(0) == 1);
}

TEST_CASE("a hint builder collects the distinct terms of its rows") {
  Random random(2);
  HintBuilder builder({30});
  HintSet set;
  for (int round = 0; round < 200; ++round) {
    std::array<std::set<std::uint64_t>, kIndexCount> expected;
    const auto rows = below(random, 600);
    for (std::uint64_t row = 0; row < rows; ++row) {
      const auto property = static_cast<std::uint32_t>(random() >> (32 + below(random, 32)));
      const auto source = static_cast<ExceptionSource>(below(random, kExceptionSourceCount));
      const auto confidence = static_cast<float>(below(random, 1001)) / 1000.0F;
      const auto time = static_cast<std::int64_t>(random() >> below(random, 64));
      builder.add(property, source, confidence, time);
      expected[0].insert(property);
      expected[1].insert(static_cast<std::uint64_t>(source));
      expected[2].insert(TermRules::confidence(confidence));
      expected[3].insert(TermRules{30}.temporal(time));
    }
    builder.finish(set);
    for (std::size_t slot = 0; slot < kIndexCount; ++slot)
      REQUIRE(set.terms[slot] ==
              std::vector<std::uint64_t>(expected[slot].begin(), expected[slot].end()));
  }
  builder.add(1, ExceptionSource::Imported, 0.5F, 7);
  builder.reset();
  builder.finish(set);
  CHECK(set == HintSet{});
}

TEST_CASE("the difference of two hint sets turns the one into the other") {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    HintSet before;
    HintSet after;
    for (std::size_t slot = 0; slot < kIndexCount; ++slot)
      for (std::uint64_t term = 0; term < 40; ++term) {
        if (below(random, 2) == 0) before.terms[slot].push_back(term);
        if (below(random, 2) == 0) after.terms[slot].push_back(term);
      }
    HintChanges changes;
    changes.diff(before, after, 9);
    for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
      std::vector<PostingPair> pairs;
      for (const auto term : before.terms[slot]) pairs.push_back({term, 9});
      const auto size = pairs.size();
      posting::merge_changes(pairs, changes.families[slot]);
      std::vector<std::uint64_t> terms;
      for (const auto& pair : pairs) terms.push_back(pair.term);
      CHECK(terms == after.terms[slot]);
      CHECK(changes.families[slot].size() <= size + terms.size());
    }
  }
  HintChanges none;
  HintSet same;
  same.terms[2] = {1, 2, 3};
  none.diff(same, same, 4);
  CHECK(none.empty());
}

TEST_CASE("sorted changes of one pair keep their order: the last one counts") {
  HintChanges changes;
  auto& list = changes.families[1];
  for (std::uint64_t term = 9; term > 0; --term) {
    for (const bool add : {true, false, true, true, false}) list.push_back({term % 4, 7, add});
  }
  const auto given = list;
  changes.sort();
  REQUIRE(list.size() == given.size());
  for (std::size_t i = 1; i < list.size(); ++i) CHECK_FALSE(list[i].pair() < list[i - 1].pair());
  for (std::uint64_t term = 0; term < 4; ++term) {
    const auto of_term = [term](const std::vector<PostingChange>& all) {
      std::vector<bool> adds;
      for (const PostingChange& change : all) {
        if (change.term == term) adds.push_back(change.add);
      }
      return adds;
    };
    CHECK(of_term(list) == of_term(given));
  }
}

TEST_CASE("sorted lists intersect and unite as sets do") {
  Random random(4);
  for (int round = 0; round < 500; ++round) {
    std::set<PartitionId> a;
    std::set<PartitionId> b;
    const auto spread = 1 + below(random, 2000);
    for (std::uint64_t i = below(random, 300); i > 0; --i) a.insert(below(random, spread));
    for (std::uint64_t i = below(random, round % 3 == 0 ? 5 : 2000); i > 0; --i)
      b.insert(below(random, spread));
    const std::vector<PartitionId> va(a.begin(), a.end());
    const std::vector<PartitionId> vb(b.begin(), b.end());
    std::vector<PartitionId> both;
    std::vector<PartitionId> either;
    std::set_intersection(va.begin(), va.end(), vb.begin(), vb.end(), std::back_inserter(both));
    std::set_union(va.begin(), va.end(), vb.begin(), vb.end(), std::back_inserter(either));
    REQUIRE(intersect_sorted(va, vb) == both);
    REQUIRE(intersect_sorted(vb, va) == both);
    REQUIRE(unite_sorted(va, vb) == either);
  }
}

TEST_CASE("candidates of several conditions miss no partition and heed the unindexed") {
  Random random(5);
  const auto backend = make_memory_backend();
  IndexManager manager(*backend, {8});
  constexpr PartitionId kPartitions = 300;
  std::vector<HintSet> truth(kPartitions);
  HintBuilder builder(manager.rules());
  HintChanges changes;
  for (PartitionId id = 0; id < kPartitions; ++id) {
    for (int row = 0; row < 20; ++row)
      builder.add(static_cast<std::uint32_t>(below(random, 200)),
                  static_cast<ExceptionSource>(below(random, 1 + id % 5)),
                  static_cast<float>(below(random, 1000)) / 1000.0F,
                  static_cast<std::int64_t>(id * 1000 + below(random, 5000)));
    builder.finish(truth[id]);
    changes.add_all(truth[id], id);
  }
  KvBatch batch;
  REQUIRE(manager.apply(changes, batch));
  REQUIRE(backend->write(batch, Durability::wal));
  manager.committed();

  const auto holds = [&](PartitionId id, const TermRange& range) {
    const auto& terms = truth[id].terms[index_slot(range.family)];
    const auto at = std::lower_bound(terms.begin(), terms.end(), range.lo);
    return at != terms.end() && *at <= range.hi;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<TermRange> ranges;
    IndexManager::Unindexed unindexed;
    std::array<std::vector<PartitionId>, kIndexCount> marks;
    for (const auto family : kIndexFamilies) {
      if (below(random, 2) == 0) continue;
      const auto& terms = truth[below(random, kPartitions)].terms[index_slot(family)];
      const auto lo = terms[below(random, terms.size())];
      ranges.push_back({family, lo, lo + (below(random, 2) == 0 ? 0 : below(random, 20))});
      for (PartitionId id = 0; id < kPartitions && round % 3 == 0; ++id)
        if (below(random, 50) == 0) marks[index_slot(family)].push_back(id);
      unindexed[index_slot(family)] = marks[index_slot(family)];
    }
    const auto found = manager.candidates(ranges, unindexed, nullptr);
    if (ranges.empty()) {
      REQUIRE(!found);
      continue;
    }
    REQUIRE(found);
    REQUIRE(found->steps.size() == ranges.size());
    for (const auto& step : found->steps) {
      std::uint64_t pairs = 0;
      for (const HintSet& of_partition : truth) {
        const auto& terms = of_partition.terms[index_slot(step.range.family)];
        pairs += static_cast<std::uint64_t>(std::count_if(
            terms.begin(), terms.end(),
            [&](std::uint64_t term) { return term >= step.range.lo && term <= step.range.hi; }));
      }
      REQUIRE(step.estimate.exact);
      REQUIRE(step.estimate.pairs == pairs);
    }
    REQUIRE(std::is_sorted(found->partitions.begin(), found->partitions.end()));
    for (PartitionId id = 0; id < kPartitions; ++id) {
      // Exactly those that meet every condition that was used.
      bool meets = true;
      for (const auto& step : found->steps) {
        const auto& marked = marks[index_slot(step.range.family)];
        const bool counts =
            holds(id, step.range) || std::binary_search(marked.begin(), marked.end(), id);
        meets = meets && (counts || !step.used);
      }
      REQUIRE(std::binary_search(found->partitions.begin(), found->partitions.end(), id) == meets);
    }
    REQUIRE(found->steps.front().used);
  }
}

TEST_CASE("conditions that all lead to more than they are worth are told, and not followed") {
  const auto backend = make_memory_backend();
  IndexManager manager(*backend, {8});
  HintChanges changes;
  auto& hints = changes.families[index_slot(Family::property)];
  for (PartitionId id = 0; id < 10; ++id) hints.push_back({5, id, true});
  for (const std::uint64_t term : {6, 7}) {
    for (PartitionId id = 3; id < 5; ++id) hints.push_back({term, id, true});
  }
  KvBatch batch;
  REQUIRE(manager.apply(changes, batch));
  REQUIRE(backend->write(batch, Durability::wal));
  manager.committed();

  const std::vector<TermRange> ranges = {{Family::property, 5, 5}, {Family::property, 6, 6}};
  const auto found_within = [&](std::vector<std::uint64_t> most) {
    auto found = manager.candidates(ranges, {}, nullptr, most);
    REQUIRE(found);
    REQUIRE(found->steps.size() == 2);
    return *std::move(found);
  };
  const auto none = found_within({9, 1});
  CHECK(none.partitions.empty());
  CHECK(none.steps[0].estimate.pairs == 10);
  CHECK(none.steps[1].estimate.pairs == 2);
  CHECK_FALSE(none.steps[0].used);
  CHECK_FALSE(none.steps[1].used);
  const std::vector<PartitionId> both = {3, 4};
  CHECK(found_within({9, 2}).partitions == both);  // one that is worth it leads
  CHECK(found_within({10, 1}).partitions == both);
  CHECK(found_within({}).partitions == both);

  // Of equal lengths the first is tried first.
  const std::vector<TermRange> alike = {{Family::property, 6, 6}, {Family::property, 7, 7}};
  const auto in_order = manager.candidates(alike, {}, nullptr);
  REQUIRE(in_order);
  CHECK(in_order->steps[0].range.lo == 6);

  // Of no terms there is nothing, for certain.
  const std::vector<TermRange> empty = {{Family::property, 6, 5}};
  const auto nothing = manager.candidates(empty, {}, nullptr);
  REQUIRE(nothing);
  CHECK(nothing->partitions.empty());
  CHECK(nothing->steps[0].estimate.exact);
  CHECK(nothing->steps[0].estimate.pairs == 0);
  CHECK(nothing->steps[0].used);
}

TEST_CASE("a list that would cost more than it saves is not read") {
  const auto backend = make_memory_backend();
  IndexManager manager(*backend, {8});
  constexpr PartitionId kPartitions = 60'000;
  const auto build = [&](Family family, std::vector<PostingPair> pairs) {
    auto next = pairs.begin();
    REQUIRE(manager.build(
        family,
        [&](PostingPair& pair) -> Result<bool> {
          if (next == pairs.end()) return false;
          pair = *next++;
          return true;
        },
        [&](const KvBatch& batch) { return backend->write(batch, Durability::none); }));
  };
  std::vector<PostingPair> pairs;
  for (PartitionId id = 0; id < kPartitions; ++id) pairs.push_back({id % 3000, id});
  std::sort(pairs.begin(), pairs.end());
  build(Family::temporal, pairs);
  std::vector<PostingPair> few;
  for (const PartitionId id : {5, 4000}) few.push_back({1, id});
  for (PartitionId id = 0; id < 60; ++id) few.push_back({2, id * 7});
  build(Family::property, few);
  const auto tried = [&](std::uint64_t property) {
    const std::vector<TermRange> ranges = {{Family::property, property, property},
                                           {Family::temporal, 0, 2900}};
    auto found = manager.candidates(ranges, {}, nullptr);
    REQUIRE(found);
    REQUIRE(found->steps.size() == 2);
    REQUIRE_FALSE(found->steps[1].estimate.exact);
    return *std::move(found);
  };
  const auto two = tried(1);
  CHECK(two.partitions == std::vector<PartitionId>{5, 4000});
  CHECK_FALSE(two.steps[1].used);
  const auto sixty = tried(2);  // sixty partitions cost as much to visit
  CHECK(sixty.partitions.size() == 60);
  CHECK(sixty.steps[1].used);
}

TEST_CASE("an index with a foreign key is told as damaged when all is to be merged") {
  const auto backend = make_memory_backend();
  KvBatch foreign;
  foreign.put(Family::source, "short", "");
  REQUIRE(backend->write(foreign, Durability::wal));
  IndexManager manager(*backend, {8});
  REQUIRE(manager.queue_all());
  const auto damage = manager.take_damage();
  REQUIRE(damage.size() == 1);
  CHECK(damage[0].family == Family::source);
  CHECK(damage[0].error.code() == ErrorCode::corruption);
}

TEST_CASE("a container is kept decoded if it is wanted, and read from there") {
  class MapCache final : public posting::ContainerCache {
   public:
    std::shared_ptr<const posting::DecodedContainer> find(
        const posting::ContainerStamp& stamp) override {
      const auto found = kept_.find(stamp.content);
      if (found == kept_.end()) return nullptr;
      ++hits;
      return found->second;
    }
    bool wants(const posting::ContainerStamp&) override { return wanted; }
    void keep(const posting::ContainerStamp& stamp,
              std::shared_ptr<const posting::DecodedContainer> container) override {
      kept_[stamp.content] = std::move(container);
    }
    [[nodiscard]] std::size_t size() const { return kept_.size(); }
    bool wanted = false;
    int hits = 0;

   private:
    std::map<std::uint64_t, std::shared_ptr<const posting::DecodedContainer>> kept_;
  } cache;
  const auto backend = make_memory_backend();
  IndexManager manager(*backend, {8}, &cache);
  HintChanges changes;
  for (PartitionId id = 0; id < 100; ++id) {
    changes.families[index_slot(Family::source)].push_back({id % 5, id, true});
  }
  KvBatch batch;
  REQUIRE(manager.apply(changes, batch));
  REQUIRE(backend->write(batch, Durability::wal));
  manager.committed();
  const auto look = [&] {
    const auto found = manager.lookup({Family::source, 3, 3}, nullptr);
    REQUIRE(found);
    CHECK(found->size() == 20);
  };
  look();
  CHECK(cache.size() == 0);
  cache.wanted = true;
  look();
  CHECK(cache.size() == 1);
  CHECK(cache.hits == 0);
  look();
  CHECK(cache.hits == 1);
}

TEST_CASE("the removals among changes are taken out of them, and the rest stays") {
  HintSet set;
  for (auto& terms : set.terms) terms = {3, 5};
  HintChanges changes;
  CHECK(changes.empty());
  changes.remove_all(set, 8);
  changes.add_all(set, 9);
  CHECK(changes.count() == 4 * kIndexCount);
  const auto only = [](const HintChanges& some, bool add, PartitionId partition) {
    for (const auto& list : some.families) {
      REQUIRE(list.size() == 2);
      CHECK(list[0].term == 3);
      CHECK(list[1].term == 5);
      for (const auto& change : list) CHECK(change.add == add);
      for (const auto& change : list) CHECK(change.partition == partition);
    }
  };
  only(changes.take_removals(), false, 8);
  only(changes, true, 9);
  CHECK(changes.take_removals().empty());
  only(changes, true, 9);
}
