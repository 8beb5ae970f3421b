// A process that writes with several threads is killed at any moment, over and over, on one store.
//
// Each thread has nodes of its own and a count of what it has done. Number n of a thread follows
// from n alone: which nodes it stores, replaces, removes or clears. A thread says n once its call
// returned; so the parent, which survives, knows what must be there.
#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "test/support/child_process.h"
#include "test/support/seed.h"
#include "test/torture/recovered_store.h"

namespace caveat::test {

namespace {

constexpr std::uint64_t kWriters = 3;
constexpr NodeId kNodesEach = 40;
constexpr NodeId kWriterNodes = 10'000;  // between the first nodes of two writers
constexpr NodeId kCounterNode = kWriterNodes - 1;

ExceptionKey key(std::uint64_t writer, NodeId node, std::size_t property) {
  return {writer * kWriterNodes + node, hash_property(property_name(property))};
}

// What number n of the writer does: one call, whole or not at all, and its count is part of it.
std::vector<Change> changes_of(std::uint64_t writer, std::uint64_t n) {
  std::mt19937_64 random(writer * 1'000'000'007 + n);
  std::vector<Change> changes;
  for (std::size_t i = random() % 12; i > 0; --i) {
    Change change{Change::Kind::store,
                  key(writer, random() % kNodesEach, random() % kTortureProperties), n};
    const auto dice = random() % 20;
    if (dice < 3) change.kind = Change::Kind::remove;
    if (dice == 3) change.kind = Change::Kind::clear_node;
    changes.push_back(change);
  }
  changes.push_back({Change::Kind::store, key(writer, kCounterNode, 0), n});
  return changes;
}

Result<void> do_it(StorageOptimizer& store, std::uint64_t writer, std::uint64_t n) {
  const auto changes = changes_of(writer, n);
  if (changes.size() == 1) {
    return store.store_exception(changes[0].key, numbered(changes[0].key, n));
  }
  WriteBatch batch;
  for (const Change& change : changes) {
    if (change.kind == Change::Kind::store) {
      CAVEAT_TRY(batch.store_exception(change.key, numbered(change.key, n)));
    } else if (change.kind == Change::Kind::remove) {
      CAVEAT_TRY(batch.remove_exception(change.key));
    } else {
      CAVEAT_TRY(batch.clear_node(change.key.node_id));
    }
  }
  return store.write(batch);
}

Options kill_options() {
  Options options = torture_options();
  options.background_maintenance = true;
  return options;
}

// How many the writer had done, as the store says.
Result<std::uint64_t> done_by(const StorageOptimizer& store, std::uint64_t writer) {
  CAVEAT_ASSIGN(const auto counter, store.retrieve_exception(key(writer, kCounterNode, 0)));
  return counter ? number_of(*counter) : 0;
}

struct Expected {
  std::array<std::uint64_t, kWriters> acknowledged{};
  std::array<std::uint64_t, kWriters> applied{};  // to contents
  std::array<Contents, kWriters> contents;
};

// The store holds, of each writer, all that was acknowledged, and of what follows at most one call.
Violation check_killed(StorageOptimizer& store, Expected& expected, std::uint64_t seed) {
  const auto records = scan(store);
  if (!records) return records.error().message();
  if (auto wrong = check_queries(store, *records, seed)) return wrong;
  std::array<Contents, kWriters> found;
  for (const ExceptionRecord& record : *records) {
    const std::uint64_t writer = record.key.node_id / kWriterNodes;
    found.at(writer).apply({Change::Kind::store, record.key, number_of(record.exception)});
  }
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    const auto done = done_by(store, writer);
    if (!done) return done.error().message();
    const std::uint64_t said = expected.acknowledged[writer];
    if (*done < said || *done > said + 1) {
      return "writer " + std::to_string(writer) + " was told " + std::to_string(said) +
             " calls are done, and the store has " + std::to_string(*done);
    }
    std::uint64_t& applied = expected.applied[writer];
    while (applied < *done) {
      for (const Change& change : changes_of(writer, ++applied)) {
        expected.contents[writer].apply(change);
      }
    }
    expected.acknowledged[writer] = *done;
    if (found[writer].records() != expected.contents[writer].records()) {
      return "writer " + std::to_string(writer) + ": its records are not what " +
             std::to_string(*done) + " calls leave";
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("child: many threads write until killed", "[.child]") {
  auto store = value_of(StorageOptimizer::open(child_directory() / "store", kill_options()));
  for (std::size_t i = 0; i < kTortureProperties; ++i) {
    value_of(store.register_property(property_name(i)));
  }
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&store, writer, n = value_of(done_by(store, writer))]() mutable {
      while (do_it(store, writer, n + 1)) say(std::to_string(writer) + " " + std::to_string(++n));
    });
  }
  threads.emplace_back([&store] {
    for (int i = 0;; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
      if (i % 4 == 0 && !store.flush()) return;
      if (i % 4 == 1 && !store.optimize_storage()) return;
      if (i % 4 == 2 && !store.compact_storage()) return;
      if (i % 4 == 3 && !store.rebuild_indexes()) return;
    }
  });
  for (std::thread& thread : threads) thread.join();
  FAIL("a call failed");
}

// CAVEAT_KILLS makes it longer.
TEST_CASE("many threads, killed: nothing acknowledged is lost, on rocksdb", "[kill][threads]") {
  const char* text = std::getenv("CAVEAT_KILLS");
  const int kills = text == nullptr ? 6 : std::atoi(text);
  const std::uint64_t seed = chosen_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const ScratchDirectory directory;
  Expected expected;
  std::uint64_t violations = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (int kill = 0; kill < kills; ++kill) {
    {
      ChildProcess child("child: many threads write until killed", directory.path());
      std::string line = child.next_line();
      REQUIRE_FALSE(line.empty());
      std::thread killer([&, wait = random() % 400] {
        std::this_thread::sleep_for(std::chrono::milliseconds(wait));
        ::kill(child.pid(), SIGKILL);
      });
      for (; !line.empty(); line = child.next_line()) {
        std::istringstream words(line);
        std::uint64_t writer = 0, n = 0;
        if (words >> writer >> n && writer < kWriters) expected.acknowledged[writer] = n;
      }
      killer.join();
    }
    auto store = value_of(StorageOptimizer::open(directory.path() / "store", kill_options()));
    const Violation wrong = check_killed(store, expected, random());
    INFO("kill " << kill << ": " << wrong.value_or("sound"));
    CHECK_FALSE(wrong);
    if (wrong) ++violations;
    value_of(store.close());
    if (wrong) break;
  }
  const std::uint64_t calls =
      expected.acknowledged[0] + expected.acknowledged[1] + expected.acknowledged[2];
  CHECK(calls > static_cast<std::uint64_t>(kills) * 10);
  std::printf("%d kills, %llu calls acknowledged, %llu violations, seed %llu, %.1f s\n", kills,
              static_cast<unsigned long long>(calls), static_cast<unsigned long long>(violations),
              static_cast<unsigned long long>(seed),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

// What the kill would find: a store that says yes before the write is done.
TEST_CASE("planted: a call that was acknowledged and not made is caught", "[kill][planted]") {
  StorageOptimizer store;
  for (std::size_t i = 0; i < kTortureProperties; ++i) {
    value_of(store.register_property(property_name(i)));
  }
  Expected expected;
  for (std::uint64_t n = 1; n <= 20; ++n) value_of(do_it(store, 0, n));
  expected.acknowledged[0] = 20;
  CHECK_FALSE(check_killed(store, expected, 1));
  expected.acknowledged[0] = 21;
  CHECK(check_killed(store, expected, 1));
  // And one that was made in part.
  expected.acknowledged[0] = 20;
  value_of(store.store_exception(key(0, kCounterNode, 0), numbered(key(0, kCounterNode, 0), 21)));
  CHECK(check_killed(store, expected, 1));
}

}  // namespace caveat::test
