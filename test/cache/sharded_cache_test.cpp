// One cache against a model: it may forget, but never lies and never exceeds its capacity.
#include "engine/cache/sharded_cache.h"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "engine/cache/block_cache.h"
#include "test/support/seed.h"

using namespace caveat;

namespace {

// A key with a planted bug: it forgets the version.
struct SloppyKey {
  std::uint64_t partition_id = 0;
  std::uint64_t partition_version = 0;
  friend bool operator==(const SloppyKey& a, const SloppyKey& b) {
    return a.partition_id == b.partition_id;
  }
};

}  // namespace

template <>
struct caveat::CacheKeyTraits<SloppyKey> {
  static std::uint64_t hash(const SloppyKey& key) { return detail::mix_bits(key.partition_id); }
  static std::uint64_t touch_hash(const SloppyKey& key) { return hash(key); }
};

namespace {

struct Outcome {
  std::size_t lies = 0;       // a value that was never stored under the key, or an old one
  std::size_t forgotten = 0;  // a miss where the model has a value
  std::size_t over = 0;       // times the bytes exceeded the capacity
};

// Random operations on a few thousand keys. The value says what it was stored as.
template <class Key>
Outcome run_against_model(std::size_t capacity, std::uint64_t seed) {
  using Cache = ShardedCache<Key, std::uint64_t>;
  std::mt19937_64 random(seed);
  Cache cache({capacity, 256});
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> model;
  Outcome outcome;
  for (std::uint64_t step = 1; step <= 40'000; ++step) {
    const Key key{random() % 1500, random() % 3};
    const std::pair id{key.partition_id, key.partition_version};
    switch (random() % 10) {
      case 0:
      case 1:
      case 2: {
        // Either way the old value must be gone.
        if (cache.insert(key, std::make_shared<const std::uint64_t>(step), random() % 2000,
                         Admission::now)) {
          model[id] = step;
        } else {
          model.erase(id);
        }
        break;
      }
      case 3: {
        const bool was_there = cache.erase(key);
        if (was_there && model.count(id) == 0) ++outcome.lies;
        model.erase(id);
        break;
      }
      case 4:
        if (random() % 2000 == 0) {
          cache.clear();
          model.clear();
        }
        break;
      default: {
        const auto value = cache.lookup(key);
        const auto known = model.find(id);
        if (value == nullptr) {
          outcome.forgotten += static_cast<std::size_t>(known != model.end());
        } else if (known == model.end() || *value != known->second) {
          ++outcome.lies;
        }
      }
    }
    if (cache.bytes() > capacity) ++outcome.over;
  }
  return outcome;
}

}  // namespace

TEST_CASE("cache: with room for all it is a map; with less it forgets and never lies") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  const Outcome ample = run_against_model<BlockKey>(64 << 20, seed);
  CHECK(ample.lies == 0);
  CHECK(ample.forgotten == 0);
  CHECK(ample.over == 0);
  for (const std::size_t capacity : {0, 500, 5'000, 50'000, 500'000}) {
    INFO("capacity " << capacity);
    const Outcome tight = run_against_model<BlockKey>(capacity, seed);
    CHECK(tight.lies == 0);
    CHECK(tight.over == 0);
    CHECK((tight.forgotten > 0) == (capacity >= 5'000));  // below that nothing is ever kept
  }
}

TEST_CASE("cache: the model catches a key that forgets its version") {
  CHECK(run_against_model<SloppyKey>(64 << 20, 1).lies > 0);
}

TEST_CASE("cache: a key is kept from its second touch on, or at once when asked") {
  BlockCache<int> cache(1 << 20);
  const auto value = std::make_shared<const int>(5);
  CHECK_FALSE(cache.insert({1, 1}, value, 100));
  CHECK(cache.lookup({1, 1}) == nullptr);
  CHECK(cache.insert({1, 1}, value, 100));
  CHECK(cache.lookup({1, 1}) == value);
  CHECK(cache.insert({2, 1}, value, 100, Admission::now));
  CHECK_FALSE(cache.should_admit({3, 1}));
  CHECK(cache.should_admit({3, 1}));
}

TEST_CASE("block cache: a new version of a partition that was seen lately enters at once") {
  BlockCache<int> cache(1 << 20);
  const auto value = std::make_shared<const int>(5);
  CHECK_FALSE(cache.insert({1, 1}, value, 100));
  CHECK(cache.insert({1, 2}, value, 100));
  CHECK(cache.lookup({1, 1}) == nullptr);
  CHECK(cache.lookup({1, 2}) == value);
}

TEST_CASE("cache: counts hits, misses and evictions") {
  BlockCache<int> cache(64 << 10);
  const auto value = std::make_shared<const int>(5);
  for (std::uint64_t i = 0; i < 100; ++i) cache.insert({i, 1}, value, 4000, Admission::now);
  std::size_t found = 0;
  for (std::uint64_t i = 0; i < 100; ++i) found += cache.lookup({i, 1}) != nullptr;
  const auto statistics = cache.statistics();
  CHECK(found > 10);
  CHECK(found < 17);
  CHECK(statistics.hits == found);
  CHECK(statistics.misses == 100 - found);
  CHECK(statistics.evictions == 100 - found);
  CHECK(statistics.capacity_bytes == 64 << 10);
  CHECK(statistics.bytes <= 64 << 10);
  CHECK(statistics.bytes > found * 4000);
}

TEST_CASE("cache: one value that is too large is not kept and displaces nothing") {
  BlockCache<int> cache(100'000);
  const auto value = std::make_shared<const int>(5);
  CHECK(cache.insert({1, 1}, value, 1000, Admission::now));
  CHECK_FALSE(cache.insert({2, 1}, value, 60'000, Admission::now));
  CHECK(cache.lookup({1, 1}) == value);
}

TEST_CASE("cache: a value in use outlives its eviction, and a pin counts until it ends") {
  BlockCache<int> cache(100'000);
  auto value = std::make_shared<const int>(5);
  const std::weak_ptr<const int> watch = value;
  CHECK(cache.insert({1, 1}, std::move(value), 10'000, Admission::now));
  {
    const auto pin = cache.lookup_pinned({1, 1});
    CHECK(cache.erase({1, 1}));
    CHECK(*pin == 5);
    CHECK_FALSE(watch.expired());
    CHECK(cache.bytes() > 10'000);
    const auto shared = pin.share();
    CHECK(shared.use_count() == 2);
  }
  cache.clear();
  CHECK(watch.expired());
  CHECK(cache.bytes() < 10'000);
}

TEST_CASE("cache: pins may hold everything; then nothing enters and nothing breaks") {
  ShardedCache<BlockKey, int> cache({20'000, 20'000});
  const auto value = std::make_shared<const int>(5);
  std::vector<ShardedCache<BlockKey, int>::Pinned> pins;
  for (std::uint64_t i = 0; i < 30; ++i) {
    if (cache.insert({i, 1}, value, 4000, Admission::now))
      pins.push_back(cache.lookup_pinned({i, 1}));
    CHECK(cache.bytes() <= 20'000);
  }
  CHECK(pins.size() == 4);
  pins.clear();
  CHECK(cache.insert({100, 1}, value, 4000, Admission::now));
}

TEST_CASE("cache: a smaller capacity holds at once") {
  BlockCache<int> cache(10 << 20);
  const auto value = std::make_shared<const int>(5);
  for (std::uint64_t i = 0; i < 1000; ++i) cache.insert({i, 1}, value, 10'000, Admission::now);
  CHECK(cache.bytes() > 9 << 20);
  cache.set_capacity(1 << 20);
  CHECK(cache.bytes() <= 1 << 20);
  cache.set_capacity(0);
  CHECK_FALSE(cache.insert({1, 1}, value, 1, Admission::now));
}
