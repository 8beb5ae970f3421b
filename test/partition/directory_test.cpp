// Finding the partition of a key, against a plain search; and what a probe says of it.
#include "engine/partition/directory.h"
#include "test/support/seed.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace caveat {
namespace {

std::shared_ptr<const Directory> directory_of(const std::vector<ExceptionKey>& lowers) {
  std::vector<PartitionEntry> entries;
  for (const auto& lower : lowers) {
    PartitionEntry entry;
    entry.lower = lower;
    entry.id = entries.size() + 1;
    entry.version = entry.id * 7;
    if (entry.id % 3 != 0) {
      KeyFilter filter(4);
      filter.add(lower);
      entry.filter = std::make_shared<const KeyFilter>(std::move(filter));
    }
    entries.push_back(std::move(entry));
  }
  const Directory none;
  DirectoryEditor editor(none);
  editor.replace({}, std::nullopt, std::move(entries));
  return editor.finish();
}

// Lower bounds with giant nodes that span many partitions, and the extremes of both fields.
std::vector<ExceptionKey> random_lowers(std::mt19937_64& random, std::size_t count) {
  std::vector<ExceptionKey> lowers{{0, 0}};
  const std::uint64_t nodes = 1 + random() % (count * 2);
  while (lowers.size() < count) {
    ExceptionKey key{random() % nodes, random()};
    if (random() % 4 == 0) key.property_hash = 0;
    if (random() % 50 == 0) key.node_id = ~std::uint64_t{0};
    if (random() % 3 == 0) key.node_id = lowers.back().node_id;
    lowers.push_back(key);
  }
  std::sort(lowers.begin(), lowers.end());
  lowers.erase(std::unique(lowers.begin(), lowers.end()), lowers.end());
  return lowers;
}

}  // namespace

TEST_CASE("directory: finds the partition that a plain search finds") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const auto lowers = random_lowers(random, 1 + random() % 700);
    const auto directory = directory_of(lowers);
    REQUIRE(directory->partition_count() == lowers.size());
    for (int i = 0; i < 400; ++i) {
      ExceptionKey key = lowers[random() % lowers.size()];
      switch (random() % 5) {
        case 0:
          key.property_hash += random() % 3 - 1;
          break;
        case 1:
          key.node_id += random() % 3 - 1;
          break;
        case 2:
          key.property_hash = random();
          break;
        case 3:
          key = {~std::uint64_t{0}, ~std::uint64_t{0}};
          break;
        default:
          break;
      }
      const auto after = std::upper_bound(lowers.begin(), lowers.end(), key);
      const auto& entry = directory->at(directory->locate(key));
      REQUIRE(entry.lower == *(after - 1));
      const auto& probe = directory->probe(directory->locate(key));
      REQUIRE(probe.id == entry.id);
      REQUIRE(probe.version == entry.version);
      REQUIRE(probe.filter.is_there() == (entry.filter != nullptr));
      REQUIRE(probe.filter.may_contain(filter_hash(entry.lower)));
      if (entry.filter) {
        REQUIRE(probe.filter.may_contain(filter_hash(key)) ==
                entry.filter->may_contain(filter_hash(key)));
      }
    }
  }
}

// What an edit says of a plain list of partitions.
struct PlainEdit {
  ExceptionKey first;
  std::optional<ExceptionKey> last;
  std::vector<ExceptionKey> lowers;  // in place of those in [first, last)
};

TEST_CASE("directory: edits give what they give of a plain list, wherever groups end") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<ExceptionKey> plain;
    const std::size_t count = 1 + random() % 1000;
    for (std::size_t i = 0; i < count; ++i) plain.push_back({i * 10, 0});
    const auto base = directory_of(plain);
    DirectoryEditor editor(*base);
    std::vector<ExceptionKey> expected;
    std::size_t at = 0;
    while (at < plain.size()) {
      // Up to some place nothing is changed; then a stretch of any length, often a whole group's.
      const auto stretch = [&] {
        const std::size_t wish = random() % 3 == 0 ? kGroupPartitions : random() % 300;
        return std::min<std::size_t>(wish, plain.size() - at);
      };
      for (std::size_t i = random() % 4 == 0 ? 0 : stretch(); i > 0; --i) {
        expected.push_back(plain[at++]);
      }
      const std::size_t gone = stretch();
      if (gone == 0) continue;
      PlainEdit edit;
      edit.first = plain[at];
      if (at + gone < plain.size()) edit.last = plain[at + gone];
      // The first place is for ever; of the others all may go.
      const std::size_t fresh = random() % (gone * 2) + (at == 0 ? 1 : 0);
      for (std::size_t i = 0; i < (random() % 3 == 0 && at != 0 ? 0 : fresh); ++i) {
        edit.lowers.push_back({plain[at].node_id, i});
      }
      at += gone;
      std::vector<PartitionEntry> entries(edit.lowers.size());
      for (std::size_t i = 0; i < entries.size(); ++i) entries[i].lower = edit.lowers[i];
      expected.insert(expected.end(), edit.lowers.begin(), edit.lowers.end());
      editor.replace(edit.first, edit.last, std::move(entries));
    }
    const auto edited = editor.finish();
    std::vector<ExceptionKey> lowers;
    for (auto p = edited->begin(); p != edited->end(); p = edited->next(p)) {
      lowers.push_back(edited->at(p).lower);
    }
    REQUIRE(lowers == expected);
    REQUIRE(edited->partition_count() == expected.size());
    for (const auto& group : edited->groups()) {
      REQUIRE(!group->entries.empty());
      REQUIRE(group->entries.size() <= kGroupPartitions);
    }
  }
}

// What the budget is told: every entry, and every filter with the counters of its pointer.
TEST_CASE("directory: says what memory its entries take, and its filters") {
  for (const std::size_t count : {1U, 5U, 500U}) {
    std::vector<ExceptionKey> lowers;
    for (NodeId node = 0; node < count; ++node) lowers.push_back({node, 0});
    const auto directory = directory_of(lowers);
    std::size_t filters = 0;
    for (const auto& group : directory->groups()) {
      for (const auto& entry : group->entries) {
        if (entry.filter) filters += entry.filter->memory_bytes() + 16;
      }
    }
    CHECK(filters > 0);
    CHECK(directory->filter_bytes() == filters);
    CHECK(directory->memory_bytes() >= count * sizeof(PartitionEntry));
    CHECK(directory->memory_bytes() <= count * sizeof(PartitionEntry) * 2 + 8192);
  }
}

TEST_CASE("a filter of keys that share their nodes can be halved", "[regression]") {
  constexpr std::size_t kKeys = 256;
  constexpr std::size_t kOfANode = 32;
  KeyFilter filter(kKeys + kKeys / kOfANode);
  for (std::uint64_t i = 0; i < kKeys; ++i) filter.add(ExceptionKey{i / kOfANode, i});
  CHECK(filter.can_be_halved());
}

TEST_CASE("a halved filter says yes to all that the whole one had, and no to most others") {
  std::mt19937_64 random(test::chosen_seed());
  for (const std::size_t keys :
       {std::size_t{1}, std::size_t{20}, std::size_t{300}, std::size_t{5000}}) {
    KeyFilter filter(keys);
    std::vector<std::uint64_t> added(keys);
    for (auto& hash : added) filter.add(hash = filter_hash(ExceptionKey{random(), random()}));
    REQUIRE(filter.can_be_halved());
    const KeyFilter half = filter.halved();
    CHECK(half.memory_bytes() < filter.memory_bytes());
    CHECK((keys < 300 || !half.can_be_halved()));
    for (const std::uint64_t hash : added) REQUIRE(half.may_contain(hash));
    std::string bytes;
    half.encode(bytes);
    std::string_view rest = bytes;
    const auto read = KeyFilter::decode(rest);
    REQUIRE(read);
    std::size_t wrong = 0;
    constexpr std::size_t kOthers = 20'000;
    for (std::size_t i = 0; i < kOthers; ++i) {
      const std::uint64_t hash = filter_hash(ExceptionKey{random(), random()});
      wrong += half.may_contain(hash) ? 1 : 0;
      REQUIRE(read->may_contain(hash) == half.may_contain(hash));
    }
    CHECK(wrong < kOthers / 5);
  }
}

}  // namespace caveat
