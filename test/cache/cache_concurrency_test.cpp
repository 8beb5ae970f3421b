// Readers without locks against writers that replace, evict, erase and grow tables.
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>
#include <vector>

#include "engine/cache/block_cache.h"
#include "engine/cache/record_cache.h"

using namespace caveat;

namespace {

// Says whose value it is, and that it is alive.
struct Value {
  explicit Value(std::uint64_t of) : key(of), canary(~of) { alive.fetch_add(1); }
  ~Value() {
    canary = 0;
    alive.fetch_sub(1);
  }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  std::uint64_t key;
  std::uint64_t canary;
  static inline std::atomic<int> alive{0};
};

}  // namespace

TEST_CASE("cache: readers see only live values of their own key while writers churn", "[threads]") {
  {
    BlockCache<Value> cache(200'000);
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> wrong{0};
    std::atomic<std::size_t> hits{0};
    std::atomic<std::size_t> over{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(t);
        while (!stop.load(std::memory_order_relaxed)) {
          const std::uint64_t id = random() % 400;
          if (random() % 2 == 0) {
            const auto pin = cache.lookup_pinned({id, 1});
            if (pin && (pin->key != id || pin->canary != ~id)) wrong.fetch_add(1);
            if (pin) hits.fetch_add(1);
          } else {
            const auto value = cache.lookup({id, 1});
            if (value != nullptr && (value->key != id || value->canary != ~id)) wrong.fetch_add(1);
          }
        }
      });
    }
    std::vector<std::thread> writers;
    for (unsigned t = 0; t < 2; ++t) {
      writers.emplace_back([&, t] {
        std::mt19937_64 random(100 + t);
        // Until readers had their share: on few cores the first thread could run alone.
        for (int i = 0; i < 15'000 || (hits.load() < 1000 && i < 10'000'000); ++i) {
          const std::uint64_t id = random() % 400;
          if (random() % 8 == 0) {
            cache.erase({id, 1});
          } else {
            cache.insert({id, 1}, std::make_shared<const Value>(id), random() % 3000,
                         static_cast<Admission>(random() % 4));
          }
          if (i % 64 == 0 && cache.bytes() > 200'000) over.fetch_add(1);
          if (i % 5000 == 4999) cache.clear();
        }
      });
    }
    for (auto& writer : writers) writer.join();
    stop.store(true);
    for (auto& thread : threads) thread.join();
    CHECK(wrong.load() == 0);
    CHECK(over.load() == 0);
    CHECK(hits.load() > 0);
  }
  CHECK(Value::alive.load() == 0);
}

TEST_CASE("cache: tables grow under readers", "[threads]") {
  ShardedCache<BlockKey, Value> cache({8 << 20, 8 << 20});  // one shard
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      std::mt19937_64 random(t);
      while (!stop.load(std::memory_order_relaxed)) {
        const std::uint64_t id = random() % 5000;
        const auto pin = cache.lookup_pinned({id, 1});
        if (pin && (pin->key != id || pin->canary != ~id)) wrong.fetch_add(1);
      }
    });
  }
  for (std::uint64_t id = 0; id < 5000; ++id) {
    cache.insert({id, 1}, std::make_shared<const Value>(id), 10, Admission::now);
  }
  stop.store(true);
  for (auto& reader : readers) reader.join();
  CHECK(wrong.load() == 0);
  for (std::uint64_t id = 0; id < 5000; ++id) REQUIRE(cache.lookup_pinned({id, 1}));
}

TEST_CASE("record cache: no reader sees a record of another stamp than its own", "[threads]") {
  RecordCache cache(300'000);
  std::atomic<std::uint64_t> version{1};
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      while (!stop.load(std::memory_order_relaxed)) {
        const ExceptionKey key{random() % 500, 7};
        const RecordStamp stamp{1, version.load()};
        if (const auto record = cache.lookup(key, stamp)) {
          const auto& view = record->view();
          const bool right = view.key == key &&
                             view.created_at == static_cast<std::int64_t>(stamp.partition_version);
          if (!right || view.reason != "why") wrong.fetch_add(1);
          continue;
        }
        ExceptionView view;
        view.key = key;
        view.reason = "why";
        view.created_at = static_cast<std::int64_t>(stamp.partition_version);
        cache.insert(stamp, view);
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    version.fetch_add(1);
  }
  stop.store(true);
  for (auto& thread : threads) thread.join();
  CHECK(wrong.load() == 0);
  CHECK(cache.statistics().hits > 0);
  CHECK(cache.bytes() <= 300'000);
}
