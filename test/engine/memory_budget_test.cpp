// What a store says it has in memory, against what it was given.
#include <algorithm>
#include <cstdio>

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

}  // namespace

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

}  // namespace caveat::test
