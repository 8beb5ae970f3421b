// A process that is killed at any moment loses nothing that it was told is stored.
#include <chrono>
#include <cstdio>
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

void write_until_killed(bool says_before) {
  auto store = value_of(StorageOptimizer::open(child_directory() / "store", options()));
  for (std::int64_t stamp = newest_stamp(store) + 1;; ++stamp) {
    WriteBatch batch;
    for (std::size_t i = 0; i < kBatchRows; ++i) {
      value_of(
          batch.store_exception({static_cast<NodeId>(stamp) % kKeys, property(i)}, stamped(stamp)));
    }
    if (says_before) say(std::to_string(stamp));
    value_of(store.write(batch));
    if (!says_before) say(std::to_string(stamp));
  }
}

// What is wrong with the store after one that was told `acknowledged` was killed; empty: nothing.
std::string wrong_after(StorageOptimizer& store, std::int64_t acknowledged) {
  const std::int64_t newest = newest_stamp(store);
  // The one under way may have made it.
  if (newest < acknowledged || newest > acknowledged + 1) {
    return std::to_string(acknowledged) + " were acknowledged, and the newest is " +
           std::to_string(newest);
  }
  const std::int64_t first =
      std::max<std::int64_t>(1, newest - static_cast<std::int64_t>(kKeys) + 1);
  for (std::int64_t stamp = first; stamp <= newest; ++stamp) {
    const auto rows = value_of(store.query_by_node(static_cast<NodeId>(stamp) % kKeys));
    bool whole = rows.size() == kBatchRows;
    for (const auto& row : rows) whole = whole && row.exception == stamped(stamp);
    if (!whole) return "batch " + std::to_string(stamp) + " is not whole";
  }
  const auto verified = value_of(store.verify());
  return verified.errors.empty() ? "" : verified.errors.front();
}

struct Killed {
  std::int64_t acknowledged = 0;
  std::string wrong;
};

Killed kill_many(const char* name, int kills, std::uint64_t seed) {
  std::mt19937 random(seed);
  const ScratchDirectory directory;
  Killed killed;
  for (int round = 0; round < kills && killed.wrong.empty(); ++round) {
    {
      ChildProcess child(name, directory.path());
      std::string line = child.next_line();
      REQUIRE_FALSE(line.empty());
      std::thread killer([&, wait = random() % 400] {
        std::this_thread::sleep_for(std::chrono::milliseconds(wait));
        ::kill(child.pid(), SIGKILL);
      });
      for (; !line.empty(); line = child.next_line()) killed.acknowledged = std::stoll(line);
      killer.join();
    }
    auto store = value_of(StorageOptimizer::open(directory.path() / "store", options()));
    killed.wrong = wrong_after(store, killed.acknowledged);
    value_of(store.close());
  }
  return killed;
}

}  // namespace

// Write number n stores a batch under node n % kKeys, and says n when it was acknowledged.
TEST_CASE("child: write until killed", "[.child]") {
  write_until_killed(false);
}
TEST_CASE("child: write until killed that says so before", "[.child]") {
  write_until_killed(true);
}

// CAVEAT_KILLS makes it longer.
TEST_CASE("what was acknowledged survives kill -9, on rocksdb", "[crash][threads]") {
  const char* text = std::getenv("CAVEAT_KILLS");
  const int kills = text == nullptr ? 5 : std::atoi(text);
  const auto seed = chosen_seed();
  std::printf("%d kills, repeat with CAVEAT_SEED=%llu tools/torture kill --kills %d\n", kills,
              static_cast<unsigned long long>(seed), kills);
  std::fflush(stdout);
  const Killed killed = kill_many("child: write until killed", kills, seed);
  CHECK(killed.wrong == "");
  CHECK(killed.acknowledged > kills * 10);
  std::printf("%lld batches acknowledged\n", static_cast<long long>(killed.acknowledged));
}

TEST_CASE("planted: a batch acknowledged before it is written is caught, on rocksdb",
          "[crash][planted]") {
  CHECK(kill_many("child: write until killed that says so before", 20, chosen_seed()).wrong != "");
}

}  // namespace caveat::test
