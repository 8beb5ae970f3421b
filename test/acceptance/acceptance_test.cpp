// The seed's acceptance tests, with its literal expectations, on both backends and again after
// closing and reopening.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <set>

#include "test/support/stores.h"

namespace caveat::test {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

Exception similar_exception(std::size_t i) {
  Exception exception;
  exception.inherited_value = true;
  exception.actual_value = false;
  exception.reason = "penguin species " + std::to_string(i) + " does not fly";
  exception.source = ExceptionSource::Detected;
  exception.created_at = 1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 1'000'000'000;
  exception.confidence = 0.9F;
  return exception;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  statm >> pages >> resident;
  return resident * 4096;
}

}  // namespace

TEST_CASE("1: a thousand similar exceptions compress by more than three", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  TestStore store(backend);
  const PropertyHash can_fly = value_of(store->register_property("can_fly"));
  for (std::size_t i = 0; i < 1000; ++i) {
    value_of(store->store_exception({i, can_fly}, similar_exception(i)));
  }
  for (int round = 0; round < (store.persistent() ? 2 : 1); ++round) {
    const auto statistics = value_of(store->get_storage_statistics());
    CHECK(statistics.total_exceptions == 1000);
    CHECK(statistics.compression.compression_ratio > 3.0);
    CHECK(statistics.compression.compression_ratio_x100 > 300);
    CHECK(static_cast<double>(statistics.compression.compressed_bytes) /
              static_cast<double>(statistics.compression.uncompressed_bytes) <
          0.5);
    std::cout << "  " << name_of(backend) << ": " << statistics.compression.uncompressed_bytes
              << " -> " << statistics.compression.compressed_bytes << " bytes, ratio "
              << statistics.compression.compression_ratio << '\n';
    store.reopen();
  }
}

TEST_CASE("2: bulk store and bulk retrieve of ten thousand", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  TestStore store(backend);
  std::vector<ExceptionRecord> records;
  std::vector<ExceptionKey> keys;
  for (std::size_t i = 0; i < 10000; ++i) {
    const ExceptionKey key{i, hash_property("property_" + std::to_string(i % 100))};
    records.push_back({key, similar_exception(i)});
    keys.push_back(key);
  }
  for (int round = 0; round < (store.persistent() ? 2 : 1); ++round) {
    auto begun = Clock::now();
    CHECK(value_of(store->bulk_store(records)) == 10000);  // the second time, over the same
    const double store_rate = 10000 / seconds_since(begun);
    begun = Clock::now();
    const auto found = value_of(store->bulk_retrieve(keys));
    const double retrieve_rate = 10000 / seconds_since(begun);
    REQUIRE(found.size() == 10000);
    for (std::size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i].has_value());
      REQUIRE(*found[i] == records[i].exception);
    }
    std::cout << "  " << name_of(backend) << ": bulk_store " << static_cast<long>(store_rate)
              << "/s, bulk_retrieve " << static_cast<long>(retrieve_rate) << "/s\n";
    CHECK(store_rate > 10000);
    CHECK(retrieve_rate > 10000);
    store.reopen();
  }
}

TEST_CASE("3: queries by property and by confidence range are exact", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  TestStore store(backend);
  std::set<ExceptionKey> in_range;
  for (std::size_t i = 0; i < 1000; ++i) {
    const ExceptionKey key{i, hash_property("property_" + std::to_string(i % 10))};
    Exception exception = similar_exception(i);
    exception.confidence = static_cast<float>(i) / 1000.0F;
    if (exception.confidence >= 0.5F && exception.confidence <= 0.7F) in_range.insert(key);
    value_of(store->store_exception(key, exception));
  }
  REQUIRE(in_range.size() == 201);
  // First as the delta holds them, then folded, then reopened.
  for (int round = 0; round < 3; ++round) {
    auto begun = Clock::now();
    const auto by_property = value_of(store->query_by_property(hash_property("property_3")));
    const double property_ms = seconds_since(begun) * 1000;
    CHECK(by_property.size() == 100);
    for (const auto& record : by_property) CHECK(record.key.node_id % 10 == 3);
    begun = Clock::now();
    const auto by_confidence = value_of(store->query_by_confidence_range(0.5F, 0.7F));
    const double confidence_ms = seconds_since(begun) * 1000;
    std::set<ExceptionKey> found;
    for (const auto& record : by_confidence) found.insert(record.key);
    CHECK(by_confidence.size() == 201);
    CHECK(found == in_range);
    std::cout << "  " << name_of(backend) << ": by property " << property_ms
              << " ms (seed: 1), by confidence " << confidence_ms << " ms (seed: 5)\n";
    if (round == 0) value_of(store->flush());
    if (round == 1) store.reopen();
  }
}

TEST_CASE("4: ten rounds reuse memory and do not grow", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  TestStore store(backend);
  const PropertyHash property = hash_property("round");
  std::size_t resident_at_3 = 0;
  std::size_t resident_after = 0;
  // And once more with what was closed and opened again.
  for (std::size_t round = 1; round <= (store.persistent() ? 20U : 10U); ++round) {
    if (round == 11) store.reopen();
    for (std::size_t i = 0; i < 100; ++i) {
      value_of(store->store_exception({i, property}, similar_exception(i + round)));
    }
    for (std::size_t i = 0; i < 50; ++i) {
      CHECK(value_of(store->retrieve_exception({i, property})) == similar_exception(i + round));
    }
    for (std::size_t i = 0; i < 100; ++i) value_of(store->remove_exception({i, property}));
    value_of(store->flush());
    if (round % 10 == 3) resident_at_3 = resident_bytes();
    resident_after = resident_bytes();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // A page or two of the allocator's own is no growth of ours.
    if (round % 10 == 0 || round % 10 > 3) CHECK(resident_after <= resident_at_3 + 256 * 1024);
#endif
  }
  const auto statistics = value_of(store->get_storage_statistics());
  CHECK(statistics.total_exceptions == 0);
  CHECK(statistics.allocation.pool_hits > 0);
  CHECK(statistics.allocation.memory_reused_bytes > 0);
  CHECK(statistics.allocation.allocations_avoided > 0);
  std::cout << "  " << name_of(backend) << ": resident " << resident_at_3 / 1024
            << " KiB at round 3, " << resident_after / 1024 << " KiB at the end; pool hits "
            << statistics.allocation.pool_hits << '\n';
}

TEST_CASE("5: optimize_storage saves space and keeps every record", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  Options options;
  options.background_maintenance = false;  // nobody else may tidy up first
  TestStore store(backend, options);
  const PropertyHash property = value_of(store->register_property("fragmented"));
  // Fragmented: small folds, each leaving runs behind.
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::size_t node = i * 7919 % 1000;
    value_of(store->store_exception({node, property}, similar_exception(node)));
    if (i % 20 == 19) value_of(store->flush());
  }
  const auto before = value_of(store->get_storage_statistics());
  const auto results = value_of(store->optimize_storage());
  const auto after = value_of(store->get_storage_statistics());
  CHECK(results.memory_saved > 0);
  CHECK(results.compression_ratio_after > 1.0);
  CHECK(after.compression.compression_ratio > 1.0);
  CHECK(after.compression.compressed_bytes <= before.compression.compressed_bytes);
  CHECK(after.partitions_with_runs == 0);
  for (int round = 0; round < (store.persistent() ? 2 : 1); ++round) {
    for (std::size_t i = 0; i < 1000; ++i) {
      REQUIRE(value_of(store->retrieve_exception({i, property})) == similar_exception(i));
    }
    store.reopen();
    const auto reopened = value_of(store->get_storage_statistics());
    CHECK(reopened.compression.compression_ratio > 1.0);
    CHECK(reopened.compression.compressed_bytes <= before.compression.compressed_bytes);
  }
  std::cout << "  " << name_of(backend) << ": " << results.bytes_before << " -> "
            << results.bytes_after << " bytes, saved " << results.memory_saved << '\n';
}

TEST_CASE("6: hot data is served from the cache", "[acceptance]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  CAPTURE(name_of(backend));
  Options options;
  options.memory_budget_bytes = 16 * kMiB;  // the cache holds a part of the store only
  TestStore store(backend, options);
  const PropertyHash property = hash_property("hot");
  constexpr std::size_t kKeys = 200'000;
  std::vector<ExceptionRecord> records;
  for (std::size_t i = 0; i < kKeys; ++i) records.push_back({{i, property}, similar_exception(i)});
  CHECK(value_of(store->bulk_store(records)) == kKeys);
  value_of(store->flush());
  for (int round = 0; round < (store.persistent() ? 2 : 1); ++round) {
    std::uint64_t state = 42;
    const auto random = [&state](std::size_t below) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return static_cast<std::size_t>((state >> 33) % below);
    };
    for (std::size_t i = 0; i < 1'000'000; ++i) {
      const std::size_t node = random(100) != 0 ? random(kKeys / 100) : random(kKeys);
      REQUIRE(store->retrieve_exception({node, property})->has_value());
    }
    const auto statistics = store->estimate_storage_statistics();
    std::cout << "  " << name_of(backend) << ": cache hit rate " << statistics.cache_hit_rate
              << ", mean access " << statistics.mean_access_time_ns << " ns\n";
    CHECK(statistics.cache_hit_rate > 0.95);
    CHECK(statistics.mean_access_time_ns > 0.0);
    store.reopen();
  }
}

}  // namespace caveat::test
