// What encryption costs, in CPU time, off and on in one run: ./test_encryption [.measure]
#include <fmt/format.h>

#include <ctime>
#include <iostream>
#include <random>

#include "test/encryption/world.h"

namespace caveat::test {

namespace {

double cpu_us(std::clock_t begin) {
  return static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC;
}

struct Costs {
  double load = 0, put = 0, cold_get = 0, warm_get = 0, miss = 0, optimize = 0;
  std::uint64_t loaded_bytes = 0, optimized_bytes = 0;
};

std::uint64_t bytes_in(const std::filesystem::path& path) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(path)) bytes += file.file_size();
  return bytes;
}

Costs measure(bool encrypted) {
  constexpr std::size_t kRecords = 300'000;
  constexpr std::size_t kPuts = 50'000;
  constexpr std::size_t kGets = 30'000;
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  const Options options = encrypted ? with_keys({1}) : Options();
  Costs costs;
  std::mt19937_64 random(7);
  {
    auto store = value_of(StorageOptimizer::open(path, options));
    auto begin = std::clock();
    for (std::size_t i = 0; i < kRecords; i += 50'000) store_secrets(store, i, i + 50'000);
    value_of(store.flush());
    costs.load = cpu_us(begin) / kRecords;
    begin = std::clock();
    for (std::size_t i = 0; i < kPuts; ++i) {
      value_of(store.store_exception(secret_key(random() % kRecords), secret_exception(i)));
    }
    costs.put = cpu_us(begin) / kPuts;
    value_of(store.close());
    costs.loaded_bytes = bytes_in(path);
  }
  {
    // Nothing decoded is kept: each get reads, opens and decodes a partition.
    Options cold = options;
    cold.cache_bytes = 1;
    auto store = value_of(StorageOptimizer::open(path, cold));
    auto begin = std::clock();
    for (std::size_t i = 0; i < kGets; ++i) {
      value_of(store.retrieve_exception(secret_key(random() % kRecords)));
    }
    costs.cold_get = cpu_us(begin) / kGets;
    value_of(store.close());
  }
  auto store = value_of(StorageOptimizer::open(path, options));
  for (std::size_t i = 0; i < 2 * kGets; ++i) {
    const auto begin = std::clock();
    for (std::size_t j = 0; j < 1000; ++j) {
      value_of(store.retrieve_exception(secret_key(j)));
    }
    costs.warm_get = cpu_us(begin) / 1000;
    if (i > 20) break;
  }
  auto begin = std::clock();
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    value_of(store.contains({i, hash_property(secret_name(1))}));
  }
  costs.miss = cpu_us(begin) / 1'000'000;
  begin = std::clock();
  value_of(store.optimize_storage());
  value_of(store.compact_storage());
  costs.optimize = cpu_us(begin) / kRecords;
  value_of(store.close());
  costs.optimized_bytes = bytes_in(path);
  return costs;
}

}  // namespace

TEST_CASE("what encryption costs", "[.measure]") {
  static_cast<void>(measure(false));  // warms up
  for (int round = 0; round < 2; ++round) {
    const Costs off = measure(false);
    const Costs on = measure(true);
    const auto row = [](const char* what, double without, double with) {
      std::cout << fmt::format("{:<44} {:>12.2f} {:>12.2f}  {:>5.2f}\n", what, without, with,
                               with / without);
    };
    row("load and flush, CPU us a record", off.load, on.load);
    row("put one by one, CPU us", off.put, on.put);
    row("get, nothing cached, CPU us", off.cold_get, on.cold_get);
    row("get, cached, CPU us", off.warm_get, on.warm_get);
    row("miss, CPU us", off.miss, on.miss);
    row("optimize and compact, CPU us a record", off.optimize, on.optimize);
    row("bytes on disk as loaded", double(off.loaded_bytes), double(on.loaded_bytes));
    row("bytes on disk optimized", double(off.optimized_bytes), double(on.optimized_bytes));
  }
}

}  // namespace caveat::test
