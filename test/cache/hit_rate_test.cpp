// What admission and eviction are for: skewed reads hit, and scans do not flush what is hot.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

#include "engine/cache/block_cache.h"
#include "engine/cache/record_cache.h"

using namespace caveat;

namespace {

constexpr std::size_t kBlocks = 20'000;
constexpr std::size_t kBlockBytes = 10'000;

// Ranks by a Zipf law with exponent 1, ranks and ids unrelated.
class Zipf {
 public:
  explicit Zipf(std::size_t count) : cumulated_(count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) cumulated_[i] = sum += 1.0 / double(i + 1);
  }
  std::uint64_t operator()(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<>(0, cumulated_.back())(random);
    const auto rank = std::lower_bound(cumulated_.begin(), cumulated_.end(), at);
    return detail::mix_bits(static_cast<std::uint64_t>(rank - cumulated_.begin()) + 1);
  }

 private:
  std::vector<double> cumulated_;
};

bool read(BlockCache<int>& cache, std::uint64_t id, Admission admission = Admission::second_touch) {
  static const auto value = std::make_shared<const int>(1);
  if (cache.lookup_pinned({id, 1})) return true;
  cache.insert({id, 1}, value, kBlockBytes, admission);
  return false;
}

// The hit rate of Zipf reads with a scan of as many blocks between them.
double hit_rate(double cached_share, bool scan, bool admit_all = false,
                Admission of_scan = Admission::second_touch) {
  BlockCache<int> cache(static_cast<std::size_t>(cached_share * kBlocks * kBlockBytes));
  const Zipf zipf(kBlocks);
  std::mt19937_64 random(1);
  std::size_t hits = 0;
  constexpr std::size_t kReads = 200'000;
  for (std::size_t i = 0; i < kReads; ++i) {
    hits += read(cache, zipf(random), admit_all ? Admission::now : Admission::room_or_second_touch);
    if (scan) read(cache, std::uint64_t{1} << 63 | i, admit_all ? Admission::now : of_scan);
  }
  return double(hits) / kReads;
}

}  // namespace

TEST_CASE("cache: skewed reads hit, and a scan does not flush what is hot") {
  const double plain = hit_rate(0.05, false);
  const double scanned = hit_rate(0.05, true);
  const double unprotected = hit_rate(0.05, true, true);
  WARN("Zipf(1) reads, 5% cached: " << plain << ", with a scan beside them " << scanned
                                    << ", with a scan and no admission " << unprotected);
  CHECK(plain > 0.60);
  CHECK(scanned > plain - 0.03);
  // The check can fail: without admission the scan costs more than that.
  CHECK(unprotected < plain - 0.03);
  // What only takes free room costs nothing, as there is none.
  CHECK(hit_rate(0.05, true, false, Admission::room) > plain - 0.01);
}

TEST_CASE("cache: while there is room everything enters at once; then a scan changes nothing") {
  constexpr std::uint64_t kFit = 300;
  BlockCache<int> cache(kFit * kBlockBytes * 3 / 2);
  for (std::uint64_t id = 0; id < kFit; ++id) {
    const auto how = id % 2 == 0 ? Admission::room : Admission::room_or_second_touch;
    CHECK_FALSE(read(cache, id, how));
  }
  for (std::uint64_t id = 0; id < kFit; ++id) CHECK(read(cache, id, Admission::room));
  // Fill it up, and scan ten times as much, twice.
  for (std::uint64_t id = kFit; id < kFit * 2; ++id) read(cache, id, Admission::room);
  const auto before = cache.statistics();
  for (std::uint64_t i = 0; i < kFit * 20; ++i) {
    read(cache, 1'000'000 + i % (kFit * 10), Admission::room);
  }
  CHECK(cache.statistics().evictions == before.evictions);
  for (std::uint64_t id = 0; id < kFit; ++id) CHECK(read(cache, id, Admission::room));
  // What is touched twice still gets in.
  read(cache, 5'000'000, Admission::room_or_second_touch);
  read(cache, 5'000'000, Admission::room_or_second_touch);
  CHECK(read(cache, 5'000'000, Admission::room));
  // Room that is made is used again.
  cache.clear();
  CHECK_FALSE(read(cache, 1, Admission::room));
  CHECK(read(cache, 1, Admission::room));
}

// A value of which some others are worth the room, as a block with columns is.
TEST_CASE("cache: what is large takes the place of what nobody asks for, and of nothing else") {
  constexpr std::uint64_t kFit = 50;
  BlockCache<int> cache(kFit * kBlockBytes);
  const auto large = std::make_shared<const int>(2);
  std::uint64_t filled = 0;
  while (cache.statistics().evictions == 0 && filled < 2 * kFit) {
    read(cache, ++filled, Admission::now);
  }
  const auto insert_large = [&] {
    return cache.insert({filled, 1}, large, 5 * kBlockBytes, Admission::room_or_cold);
  };
  const auto read_all = [&] {
    for (int times = 0; times < 3; ++times) {
      for (std::uint64_t id = 1; id <= filled; ++id) {
        static_cast<void>(cache.lookup_pinned({id, 1}));
      }
    }
  };
  read_all();
  const auto before = cache.statistics();
  // Everything is asked for between one try and the next: nothing goes, and what it was to replace
  // stays.
  for (int tries = 0; tries < 20; ++tries) {
    CHECK_FALSE(insert_large());
    const auto there = cache.lookup_pinned({filled, 1});
    REQUIRE(there);
    CHECK(*there == 1);
    read_all();
  }
  CHECK(cache.statistics().evictions == before.evictions);
  // Nobody asks any more: what was hot cools, and goes.
  int tries = 0;
  while (!insert_large() && tries < 1'000) ++tries;
  CHECK(tries > 3);
  CHECK(tries < 200);
  CHECK(*cache.lookup_pinned({filled, 1}) == 2);
  CHECK(cache.statistics().evictions > before.evictions);
  CHECK(cache.bytes() <= cache.capacity_bytes());
}

TEST_CASE("cache: values are told when the hand passes them") {
  struct Aged {
    mutable std::atomic<int> passes{0};
    void grow_older() const noexcept { ++passes; }
  };
  ShardedCache<BlockKey, Aged> cache({20'000, 1'000});
  const auto watched = std::make_shared<const Aged>();
  REQUIRE(cache.insert({0, 1}, watched, 1'000, Admission::now));
  for (std::uint64_t id = 1; id < 200; ++id) {
    static_cast<void>(cache.lookup_pinned({0, 1}));
    cache.insert({id, 1}, std::make_shared<const Aged>(), 1'000, Admission::now);
  }
  CHECK(cache.lookup_pinned({0, 1}));
  CHECK(watched->passes > 3);
}

TEST_CASE("cache: the fuller it is, the more touches a value has to earn its place with") {
  BlockCache<int> cache(256 * kBlockBytes);  // more than one shard
  std::uint64_t id = 0;
  // How often a new key is read before it is kept, with the cache filled up to a share.
  const auto touches_at = [&](double share) {
    const auto limit = static_cast<std::size_t>(share * 256 * kBlockBytes);
    while (cache.bytes() < limit) read(cache, ++id, Admission::now);
    double sum = 0;
    constexpr int kKeys = 40;
    for (int i = 0; i < kKeys; ++i) {
      ++id;
      int touches = 1;
      while (!read(cache, id, Admission::earned)) ++touches;
      sum += touches - 1;
      cache.erase({id, 1});
    }
    return sum / kKeys;
  };
  CHECK(touches_at(0.02) == 1);
  const double tenth = touches_at(0.10);
  const double half = touches_at(0.50);
  WARN("touches to enter at a tenth and a half: " << tenth << ", " << half);
  CHECK(tenth > 2);
  CHECK(half > tenth + 2);
  CHECK(half <= 8);
}

TEST_CASE("record cache: 99% of reads on 1% of the keys hit more than 95%") {
  constexpr std::uint64_t kKeys = 100'000;
  RecordCache cache(2 << 20);
  std::mt19937_64 random(1);
  ExceptionView view;
  view.reason = "a reason of a usual length, some forty bytes";
  for (int i = 0; i < 300'000; ++i) {
    view.key = {random() % 100 != 0 ? random() % (kKeys / 100) : random() % kKeys, 1};
    if (!cache.lookup_pinned(view.key, {1, 1})) cache.insert({1, 1}, view);
  }
  WARN("hit rate " << cache.statistics().hit_rate() << ", " << cache.bytes() << " bytes");
  CHECK(cache.statistics().hit_rate() > 0.97);
}

namespace {

template <class Fn>
double cpu_ns(std::size_t rounds, Fn&& fn) {
  const auto start = std::clock();
  for (std::size_t i = 0; i < rounds; ++i) fn(i);
  return double(std::clock() - start) * 1e9 / CLOCKS_PER_SEC / double(rounds);
}

}  // namespace

TEST_CASE("cache: cost of a lookup", "[.measure]") {
  BlockCache<int> blocks(64 << 20);
  RecordCache records(64 << 20);
  const auto value = std::make_shared<const int>(1);
  ExceptionView view;
  view.reason = "a reason of a usual length, some forty bytes";
  for (std::uint64_t i = 0; i < 4096; ++i) {
    blocks.insert({i, 1}, value, 10'000, Admission::now);
    view.key = {i, 1};
    records.insert({1, 1}, view, Admission::now);
  }
  constexpr std::size_t kRounds = 20'000'000;
  std::size_t found = 0;
  WARN("block hit, shared: " << cpu_ns(kRounds, [&](std::size_t i) {
         found += !!blocks.lookup({i % 4096, 1});
       }));
  WARN("block hit, pinned: " << cpu_ns(kRounds, [&](std::size_t i) {
         found += !!blocks.lookup_pinned({i % 4096, 1});
       }));
  WARN("block miss: " << cpu_ns(kRounds, [&](std::size_t i) {
         found += !!blocks.lookup_pinned({i % 4096, 2});
       }));
  WARN("record hit, pinned: " << cpu_ns(kRounds, [&](std::size_t i) {
         found += !!records.lookup_pinned({i % 4096, 1}, {1, 1});
       }));
  WARN("record miss: " << cpu_ns(kRounds, [&](std::size_t i) {
         found += !!records.lookup_pinned({i, 2}, {1, 1});
       }));
  std::uint64_t next = 1 << 20;
  WARN("record insert with eviction: " << cpu_ns(1'000'000, [&](std::size_t) {
         view.key = {++next, 1};
         records.insert({1, 1}, view, Admission::now);
       }));
  for (const unsigned count : {1U, 2U}) {
    const auto start = std::clock();
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < count; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < kRounds / 2; ++i) (void)blocks.lookup_pinned({i % 64, 1});
      });
    }
    for (auto& thread : threads) thread.join();
    WARN(count << " threads on 64 hot blocks, CPU ns each: "
               << double(std::clock() - start) * 1e9 / CLOCKS_PER_SEC / (kRounds / 2 * count));
  }
  CHECK(found > 0);
}
