// What a store has in memory, by its own count and by the system's, against what it was given.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>

#include "engine/store/engine.h"
#include "test/support/stores.h"

namespace caveat::test {
namespace {

Exception record_of(std::uint64_t i) {
  Exception exception;
  exception.inherited_value = "what everybody inherits " + std::to_string(i % 97);
  exception.actual_value = "what is true of this one " + std::to_string(i);
  exception.reason = "because of " + std::to_string(i % 13);
  exception.created_at = static_cast<std::int64_t>(i) * 1'000'000'007;
  exception.confidence = static_cast<float>(i % 101) / 100.0F;
  return exception;
}

// The most that was in memory while records came in shuffled, without the directory and the key
// filters, which options.h leaves out.
std::size_t most_in_memory(StorageOptimizer& store, std::size_t records) {
  std::size_t most = 0;
  std::vector<ExceptionRecord> batch;
  for (std::uint64_t i = 0; i < records; ++i) {
    const NodeId node = i * 0x9E37'79B9'7F4A'7C15ULL >> 40;
    batch.push_back({{node, hash_property("p" + std::to_string(i % 50))}, record_of(i)});
    if (batch.size() < 1000) continue;
    value_of(store.bulk_store(batch));
    batch.clear();
    const auto now = store.estimate_storage_statistics();
    most = std::max<std::size_t>(most, now.memory_bytes - now.index_memory_bytes);
  }
  return most;
}

double status_mib(std::string_view what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(what)) return std::strtod(line.c_str() + what.size(), nullptr) / 1024;
  return 0;
}
// Anonymous memory of this process that is resident: no code, no files.
double resident_mib() {
  return status_mib("RssAnon:");
}
double most_resident_mib() {
  return status_mib("VmHWM:");
}

#ifndef __SANITIZE_ADDRESS__
// Runs a hidden case of this binary, in a process that has nothing else in memory.
std::string output_of_child(const std::string& environment, const std::string& name) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command = environment + " '" + self.string() + "' '" + name + "' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string output;
  for (int byte = 0; pipe && (byte = std::fgetc(pipe.get())) != EOF;)
    output.push_back(static_cast<char>(byte));
  return output;
}
#endif

}  // namespace

TEST_CASE("a load in a process of its own says what is resident", "[.child]") {
  const char* const mib = std::getenv("CAVEAT_BUDGET_MIB");
  REQUIRE(mib != nullptr);
  Options options;
  options.memory_budget_bytes = std::strtoul(mib, nullptr, 10) * kMiB;
  const double before = resident_mib();
  double most = 0;
  TestStore store(Backend::rocksdb, options);
  std::vector<ExceptionRecord> batch;
  for (std::uint64_t i = 0; i < 150'000; ++i) {
    const NodeId node = i * 0x9E37'79B9'7F4A'7C15ULL >> 40;
    batch.push_back({{node, hash_property("p" + std::to_string(i % 50))}, record_of(i)});
    if (batch.size() < 100) continue;
    value_of(store->bulk_store(batch));
    batch.clear();
    if (i % 1'000 == 999) most = std::max(most, resident_mib());
  }
  std::printf("resident %.1f\n", most - before);
}

TEST_CASE("an optimize of large records in a process of its own says what is resident",
          "[.child]") {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  TestStore store(Backend::rocksdb, options);
  // Each is larger than a run of the sample may be at this budget, and compresses to next to
  // nothing.
  ExceptionRecord record{{1, hash_property("p")}, record_of(1)};
  for (record.key.node_id = 1; record.key.node_id <= 4'500; ++record.key.node_id) {
    record.exception.reason.assign(60'000, static_cast<char>('a' + record.key.node_id % 23));
    value_of(store->bulk_store(std::span(&record, 1)));
  }
  value_of(store->flush());
  const double before = most_resident_mib();
  value_of(store->optimize_storage());
  std::printf("resident %.1f\n", most_resident_mib() - before);
}

namespace {

// Nothing that a codec can make shorter.
std::string noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// How much more was resident while it ran than before, in MiB.
template <class Work>
double most_during(const Work& work) {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the most begins anew
  const double before = status_mib("VmRSS:");
  work();
  return most_resident_mib() - before;
}

}  // namespace

TEST_CASE("work on large records in a process of its own says what is resident", "[.child]") {
  constexpr NodeId kLarge = 100;
  constexpr std::size_t kLargeBytes = std::size_t{1} << 20;
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.background_maintenance = false;
  TestStore store(Backend::rocksdb, options);
  const PropertyHash p = hash_property("p");
  Exception large = record_of(1);
  for (NodeId node = 0; node < kLarge; ++node) {
    large.reason = noise(kLargeBytes, node);
    value_of(store->store_exception({node, p}, large));
  }
  value_of(store->flush());
  const auto show_all = [&](QueryOrder order) {
    Query query;
    query.order = order;
    auto cursor = value_of(store->query(query));
    NodeId shown = 0;
    while (value_of(cursor.next()) != nullptr) ++shown;
    REQUIRE(shown == kLarge);
  };
  std::printf("by key %.1f\n", most_during([&] { show_all(QueryOrder::key); }));
  std::printf("by time %.1f\n", most_during([&] { show_all(QueryOrder::time); }));
  std::printf("optimize %.1f\n", most_during([&] { value_of(store->optimize_storage()); }));
  for (NodeId node = 0; node < kLarge; ++node) value_of(store->remove_exception({node, p}));
  std::printf("fold %.1f\n", most_during([&] { value_of(store->flush()); }));
  // A partition of small ones, of which a few grow one by one.
  constexpr NodeId kSmall = 1'000;
  for (NodeId node = kSmall; node < kSmall + 250; ++node) {
    value_of(store->store_exception({node, p}, record_of(node)));
  }
  value_of(store->flush());
  for (NodeId node = kSmall; node < kSmall + 240; node += 8) {
    large.reason = noise(kLargeBytes, node);
    value_of(store->store_exception({node, p}, large));
    value_of(store->flush());
  }
  std::printf("neighbour %.1f\n", most_during([&] {
                REQUIRE(value_of(store->contains({kSmall + 1, p})));
              }));
}

#ifndef __SANITIZE_ADDRESS__
// Steps were cut by records alone, a thousand partitions of one each, and queries took sixteen
// partitions at a time and kept sixty-four; what replaced small records of a partition was appended
// to it, however large, and read with each of its others.
TEST_CASE("few large records are in memory at a time", "[memory][regression]") {
  const std::string output = output_of_child(
      "MALLOC_ARENA_MAX=1", "work on large records in a process of its own says what is resident");
  INFO(output);
  std::printf("%s", output.substr(0, output.find("====")).c_str());
  const auto check = [&](const std::string& what, double mib) {
    const std::size_t at = output.find(what);
    REQUIRE(at != std::string::npos);
    CHECK(std::strtod(output.c_str() + at + what.size(), nullptr) < mib);
  };
  check("by key ", 20);     // 32 before
  check("by time ", 40);    // 174
  check("optimize ", 70);   // 117: most of it is RocksDB's
  check("fold ", 30);       // 228
  check("neighbour ", 20);  // 58
}
#endif

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("an optimize keeps nothing of records that its sample leaves out",
          "[memory][regression]") {
  const std::string output =
      output_of_child("MALLOC_ARENA_MAX=1",
                      "an optimize of large records in a process of its own says what is resident");
  const std::size_t at = output.find("resident ");
  INFO(output);
  REQUIRE(at != std::string::npos);
  CHECK(std::strtod(output.c_str() + at + 9, nullptr) < 40);  // it was all of them, 240
}

TEST_CASE("what the system counts as resident stays near the budget as well",
          "[memory][regression]") {
  // malloc's spare room is not the store's: one heap instead of one a thread keeps it small.
  for (const int mib : {8, 32}) {
    const std::string output =
        output_of_child("MALLOC_ARENA_MAX=1 CAVEAT_BUDGET_MIB=" + std::to_string(mib),
                        "a load in a process of its own says what is resident");
    const std::size_t at = output.find("resident ");
    INFO(output);
    REQUIRE(at != std::string::npos);
    const double resident = std::strtod(output.c_str() + at + 9, nullptr);
    std::printf("budget %d MiB: at most %.1f MiB resident\n", mib, resident);
    CHECK(resident > 2);
    CHECK(resident < mib + 12);
  }
}
#endif

#ifndef __SANITIZE_ADDRESS__
// Its rows stayed twice over in the buffers of the log's writer, for as long as the store lived.
TEST_CASE("a large batch keeps no memory when it is written", "[memory][regression]") {
  Options options;
  options.background_maintenance = false;
  options.memory_budget_bytes = kMemoryBudgetMin;
  StorageOptimizer store = value_of(StorageOptimizer::open(make_memory_backend(), options));
  const auto used = [] {
    const auto all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
  };
  std::mt19937_64 random(1);
  const auto before = used();
  {
    WriteBatch batch;
    Exception exception;
    exception.reason.resize(100'000);
    for (NodeId node = 0; batch.bytes() < 32 * kMiB; ++node) {
      for (char& c : exception.reason) c = static_cast<char>(random());
      value_of(batch.store_exception({node, 7}, exception));
    }
    value_of(store.write(batch));
  }
  value_of(store.clear_property(7));
  value_of(store.optimize_storage());
  CHECK(value_of(store.count({})) == 0);
  CHECK(used() < before + 12 * kMiB);  // it was 64 and more
}
#endif

TEST_CASE("memory stays inside the budget while a load runs, on rocksdb", "[threads][memory]") {
  for (const std::size_t mib : {8, 32}) {
    Options options;
    options.memory_budget_bytes = mib * kMiB;
    TestStore store(Backend::rocksdb, options);
    const std::size_t most = most_in_memory(*store, 40'000);
    std::printf("budget %zu MiB: at most %.1f MiB in memory\n", mib,
                static_cast<double>(most) / static_cast<double>(kMiB));
    CHECK(most > options.memory_budget_bytes / 8);  // it was counted at all
    // At the least budget memtables and one batch weigh most: they may be a tenth over.
    CHECK(most <= options.memory_budget_bytes * 11 / 10);
  }
}

// Small partitions, so that few records need more filters than there is room for.
TEST_CASE("key filters stay within their part of the budget, and take it from the block cache",
          "[memory]") {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.partition_records = 16;
  options.dictionary_bytes = 0;
  for (const Backend backend : {Backend::memory, Backend::rocksdb}) {
    TestStore store(backend, options);
    const auto part = [&](std::string_view name) {
      const auto statistics = store->estimate_storage_statistics();
      for (const MemoryPart& one : statistics.memory_parts)
        if (one.name == name) return one;
      return MemoryPart{};
    };
    const std::uint64_t cache_before = part("block_cache").limit_bytes;
    constexpr NodeId kNodes = 300'000;
    const PropertyHash property = hash_property("p");
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; ++node) {
      ExceptionRecord record{{node * 2, property}, {}};
      record.exception.actual_value = static_cast<std::int64_t>(node);
      records.push_back(std::move(record));
    }
    value_of(store->bulk_store(records));
    value_of(store->flush());
    const auto look = [&] {
      const MemoryPart filters = part("key_filters");
      CHECK(filters.bytes > filters.limit_bytes / 2);
      CHECK(filters.bytes <= filters.limit_bytes);
      CHECK(part("block_cache").limit_bytes < cache_before);
      const auto negatives = [&] { return store->estimate_storage_statistics().filter_negatives; };
      const std::uint64_t negatives_before = negatives();
      for (NodeId node = 0; node < kNodes; node += 997) {
        REQUIRE(value_of(store->contains({node * 2, property})));
        REQUIRE_FALSE(value_of(store->contains({node * 2 + 1, property})));
      }
      // Halved they all fit, and answer most of what is not there.
      CHECK(negatives() - negatives_before > kNodes / 997 * 2 / 3);
    };
    look();
    value_of(store->optimize_storage());
    look();
    if (backend == Backend::memory) continue;
    store.reopen();
    look();
  }
}

// With next to no block cache to take from, halving them all is not enough.
TEST_CASE("where halved key filters do not fit either, the last partitions have none", "[memory]") {
  Options options;
  options.background_maintenance = false;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = 64 << 10;
  options.partition_records = 16;
  options.dictionary_bytes = 0;
  StorageOptimizer store(0, options);
  const PropertyHash property = hash_property("p");
  constexpr NodeId kNodes = 160'000;
  const auto load = [&](NodeId from, NodeId to) {
    store_nodes(store, property, from, to, [](NodeId node) {
      Exception exception;
      exception.actual_value = static_cast<std::int64_t>(node);
      return exception;
    });
    value_of(store.flush());
  };
  // So that the filters are over their limit again and again, by little and by much.
  load(0, kNodes / 2);
  load(kNodes / 2, kNodes - 1000);
  load(kNodes - 1000, kNodes);
  std::size_t with = 0;
  std::size_t bytes = 0;
  const auto directory = store.engine().core().versions.current()->directory;
  for (auto p = directory->begin(); p != directory->end(); p = directory->next(p)) {
    const auto& filter = directory->at(p).filter;
    if (filter) {
      ++with;
      bytes += filter->memory_bytes();
    }
  }
  const std::size_t limit = store.engine().core().memory.filters_max;
  CHECK(with > 0);
  CHECK(with < directory->partition_count());
  CHECK(bytes > limit / 2);
  CHECK(directory->filter_bytes() <= limit);
  for (NodeId node = 0; node < kNodes; node += 997) {
    REQUIRE(value_of(store.contains({node, property})));
    REQUIRE_FALSE(value_of(store.contains({node, property + 1})));
  }
  // Near their most none is made only to be dropped.
  CHECK_FALSE(value_of(store.engine().mutator().build_filters()));
  CHECK(value_of(store.verify()).sound());
}

}  // namespace caveat::test
