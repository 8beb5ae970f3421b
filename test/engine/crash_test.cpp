// A process that is killed at any moment loses nothing that it was told is stored.
#include <chrono>
#include <random>
#include <thread>

#include "test/support/child_process.h"
#include "test/support/seed.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr std::size_t kBatchRows = 12;
constexpr NodeId kKeys = 500;

PropertyHash property(std::size_t i) {
  return hash_property("p" + std::to_string(i));
}

Exception stamped(std::int64_t stamp) {
  Exception exception;
  exception.actual_value = stamp;
  exception.reason = "stamp " + std::to_string(stamp);
  exception.created_at = stamp;
  return exception;
}

// Small, so that folds, rewrites and compactions are hit by the kill as well.
Options options() {
  Options options;
  options.partition_records = 32;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 64 << 10;
  return options;
}

std::int64_t newest_stamp(StorageOptimizer& store) {
  Query query;
  query.order = QueryOrder::time;
  query.descending = true;
  query.limit = 1;
  auto cursor = value_of(store.query(query));
  const auto* newest = value_of(cursor.next());
  return newest == nullptr ? 0 : newest->created_at;
}

}  // namespace

// Write number n stores a batch under node n % kKeys, and says n when it was acknowledged.
TEST_CASE("child: write until killed", "[.child]") {
  auto store = value_of(StorageOptimizer::open(child_directory() / "store", options()));
  for (std::int64_t stamp = newest_stamp(store) + 1;; ++stamp) {
    WriteBatch batch;
    for (std::size_t i = 0; i < kBatchRows; ++i) {
      value_of(
          batch.store_exception({static_cast<NodeId>(stamp) % kKeys, property(i)}, stamped(stamp)));
    }
    value_of(store.write(batch));
    say(std::to_string(stamp));
  }
}

// CAVEAT_KILLS makes it longer.
TEST_CASE("what was acknowledged survives kill -9, on rocksdb", "[crash][threads]") {
  const char* text = std::getenv("CAVEAT_KILLS");
  const int kills = text == nullptr ? 5 : std::atoi(text);
  const auto seed = chosen_seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  ScratchDirectory directory;
  std::int64_t acknowledged = 0;
  for (int round = 0; round < kills; ++round) {
    {
      ChildProcess child("child: write until killed", directory.path());
      std::string line = child.next_line();
      REQUIRE_FALSE(line.empty());
      std::thread killer([&, wait = random() % 400] {
        std::this_thread::sleep_for(std::chrono::milliseconds(wait));
        ::kill(child.pid(), SIGKILL);
      });
      for (; !line.empty(); line = child.next_line()) acknowledged = std::stoll(line);
      killer.join();
    }
    INFO("round " << round << ", acknowledged " << acknowledged);
    auto store = value_of(StorageOptimizer::open(directory.path() / "store", options()));
    const std::int64_t newest = newest_stamp(store);
    CHECK(newest >= acknowledged);
    CHECK(newest <= acknowledged + 1);  // the one under way may have made it
    std::size_t torn = 0;
    for (std::int64_t stamp =
             std::max<std::int64_t>(1, newest - static_cast<std::int64_t>(kKeys) + 1);
         stamp <= newest; ++stamp) {
      const auto rows = value_of(store.query_by_node(static_cast<NodeId>(stamp) % kKeys));
      bool whole = rows.size() == kBatchRows;
      for (const auto& row : rows) whole = whole && row.exception == stamped(stamp);
      if (!whole) ++torn;
    }
    CHECK(torn == 0);
    const auto verified = value_of(store.verify());
    for (const auto& error : verified.errors) UNSCOPED_INFO(error);
    CHECK(verified.errors.empty());
    value_of(store.close());
  }
  CHECK(acknowledged > kills * 10);
}

}  // namespace caveat::test
