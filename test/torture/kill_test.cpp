// A process that writes with several threads is killed at any moment, over and over, on one store.
//
// Each thread has nodes of its own and a count of what it has done. Number n of a thread follows
// from n alone: which nodes it stores, replaces, removes or clears, by which call. A thread says n
// once its call returned; so the parent, which survives, knows what must be there. Beside them are
// a reader, somebody who maintains the store, and somebody who backs it up. A third of the kills
// come as soon as the process begins, so that they hit its opening and its recovery.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <sstream>
#include <thread>

#include "caveat/backup.h"
#include "test/support/child_process.h"
#include "test/support/seed.h"
#include "test/torture/recovered_store.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWriters = 3;
constexpr NodeId kNodesEach = 40;
constexpr NodeId kWriterNodes = 10'000;  // between the first nodes of two writers
constexpr NodeId kCounterNode = kWriterNodes - 1;
// A property of each writer alone, which it may clear.
constexpr std::size_t own_property(std::uint64_t writer) {
  return kTortureProperties + writer;
}

ExceptionKey key(std::uint64_t writer, NodeId node, std::size_t property) {
  return {writer * kWriterNodes + node, hash_property(property_name(property))};
}

bool is_bulk(std::uint64_t n) {
  return n % 16 == 5;
}

// What number n of the writer does: one call, whole or not at all, and its count is part of it.
std::vector<Change> changes_of(std::uint64_t writer, std::uint64_t n) {
  std::mt19937_64 random(writer * 1'000'000'007 + n);
  std::vector<Change> changes;
  const bool bulk = is_bulk(n);
  for (std::size_t i = bulk ? 60 : random() % 12; i > 0; --i) {
    const std::size_t property = random() % (kTortureProperties + 1);
    Change change{Change::Kind::store,
                  key(writer, random() % kNodesEach,
                      property == kTortureProperties ? own_property(writer) : property),
                  n};
    const auto dice = bulk ? 20 : random() % 20;
    if (dice < 3) change.kind = Change::Kind::remove;
    if (dice == 3) change.kind = Change::Kind::clear_node;
    if (dice == 4) change.kind = Change::Kind::clear_property;
    if (dice == 4) change.key = key(writer, 0, own_property(writer));
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
  if (is_bulk(n)) {
    std::vector<ExceptionRecord> records;
    for (const Change& change : changes) records.push_back({change.key, numbered(change.key, n)});
    CAVEAT_TRY(store.bulk_store(records));
    return {};
  }
  WriteBatch batch;
  for (const Change& change : changes) {
    if (change.kind == Change::Kind::store) {
      CAVEAT_TRY(batch.store_exception(change.key, numbered(change.key, n)));
    } else if (change.kind == Change::Kind::remove) {
      CAVEAT_TRY(batch.remove_exception(change.key));
    } else if (change.kind == Change::Kind::clear_node) {
      CAVEAT_TRY(batch.clear_node(change.key.node_id));
    } else {
      CAVEAT_TRY(batch.clear_property(change.key.property_hash));
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

// A backup holds, of each writer, what some number of its calls leave, at most all there were.
Violation check_backups(const fs::path& backups, const Expected& expected, const fs::path& to) {
  const auto listed = list_backups(backups);
  if (!listed && listed.error().code() == ErrorCode::not_found) return std::nullopt;
  if (!listed) return listed.error().message();
  if (listed->empty()) return std::nullopt;
  for (const ListedBackup& backup : *listed) {
    if (!backup.info) return backup.info.error().message();
  }
  RestoreOptions replace;
  replace.replace = true;
  const auto restored = restore_backup(backups, std::nullopt, to, replace);
  if (!restored) return restored.error().message();
  auto store = StorageOptimizer::open(to, kill_options());
  if (!store) return "a backup does not open: " + store.error().message();
  Expected then;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    const auto done = done_by(*store, writer);
    if (!done) return done.error().message();
    then.acknowledged[writer] = *done;
    if (*done > expected.acknowledged[writer]) return "a backup holds calls that were never made";
  }
  auto wrong = check_killed(*store, then, 1);
  const auto closed = store->close();
  if (wrong) return "a backup: " + *wrong;
  return closed ? std::nullopt : Violation("a backup: " + closed.error().message());
}

void read_until_killed(StorageOptimizer& store) {
  while (const auto records = scan(store)) {
    for (const ExceptionRecord& record : *records) {
      if (record.exception == numbered(record.key, number_of(record.exception))) continue;
      say("wrong: a reader sees a record that was never written");
    }
  }
}

void write_until_killed(bool says_before) {
  auto store = value_of(StorageOptimizer::open(child_directory() / "store", kill_options()));
  for (std::size_t i = 0; i < kTortureProperties + kWriters; ++i) {
    value_of(store.register_property(property_name(i)));
  }
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&store, says_before, writer, n = value_of(done_by(store, writer))] {
      for (std::uint64_t next = n + 1;; ++next) {
        const std::string said = std::to_string(writer) + " " + std::to_string(next);
        if (says_before) say(said);
        if (!do_it(store, writer, next)) return;
        if (!says_before) say(said);
      }
    });
  }
  threads.emplace_back([&store] { read_until_killed(store); });
  threads.emplace_back([&store] {
    for (int i = 0;; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (i % 4 == 0 && !store.flush()) return;
      if (i % 4 == 1 && !store.optimize_storage()) return;
      if (i % 4 == 2 && !store.compact_storage()) return;
      if (i % 4 == 3 && !store.rebuild_indexes()) return;
    }
  });
  threads.emplace_back([&store, backups = child_directory() / "backups"] {
    BackupOptions options;
    options.keep = 2;
    while (const auto made = create_backup(store, backups, options)) {
      say("backup");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  for (std::thread& thread : threads) thread.join();
  FAIL("a call failed");
}

struct KillResults {
  int kills = 0;
  int early = 0;              // before the first call was acknowledged
  std::uint64_t calls = 0;    // acknowledged
  std::uint64_t backups = 0;  // acknowledged
  std::vector<std::string> violations;
};

// The child runs and is killed: as soon as it begins, or amid its calls, or after its first backup.
// What it said is noted.
void kill_one(const char* name, const fs::path& directory, std::mt19937_64& random,
              Expected& expected, KillResults& results) {
  const auto dice = random() % 10;
  const bool early = dice < 3;
  const bool backed_up = dice == 3;
  const auto wait = std::chrono::milliseconds(random() % (early ? 40 : 100));
  std::uint64_t said = 0;
  const auto heard = [&](const std::string& line) {
    if (!line.empty()) ++said;
    if (line == "backup") ++results.backups;
    if (line.starts_with("wrong")) results.violations.push_back(line);
    std::istringstream words(line);
    std::uint64_t writer = 0, n = 0;
    if (words >> writer >> n && writer < kWriters) expected.acknowledged[writer] = n;
    return !line.empty();
  };
  ChildProcess child(name, directory);
  const std::uint64_t backups = results.backups;
  if (!early) heard(child.next_line());
  while (backed_up && results.backups == backups && heard(child.next_line())) continue;
  std::thread killer([&] {
    std::this_thread::sleep_for(wait);
    ::kill(child.pid(), SIGKILL);
  });
  while (heard(child.next_line())) continue;
  killer.join();
  if (said == 0) ++results.early;
}

KillResults kill_many(const char* name, int kills, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const ScratchDirectory directory;
  Expected expected;
  KillResults results;
  while (results.kills < kills && results.violations.empty()) {
    kill_one(name, directory.path(), random, expected, results);
    ++results.kills;
    auto store = value_of(StorageOptimizer::open(directory.path() / "store", kill_options()));
    auto wrong = check_killed(store, expected, random());
    value_of(store.close());
    if (!wrong && results.kills % 10 == 0) {
      wrong = check_backups(directory.path() / "backups", expected, directory.path() / "restored");
    }
    if (wrong) results.violations.push_back(fmt::format("kill {}: {}", results.kills, *wrong));
  }
  for (const std::uint64_t calls : expected.acknowledged) results.calls += calls;
  return results;
}

}  // namespace

TEST_CASE("child: many threads write until killed", "[.child]") {
  write_until_killed(false);
}
TEST_CASE("child: many threads write until killed that says so before", "[.child]") {
  write_until_killed(true);
}

// CAVEAT_KILLS makes it longer.
TEST_CASE("many threads, killed: nothing acknowledged is lost, on rocksdb", "[kill][threads]") {
  const char* text = std::getenv("CAVEAT_KILLS");
  const int kills = text != nullptr ? std::atoi(text) : kSanitized ? 6 : 100;
  const std::uint64_t seed = chosen_seed();
  fmt::print("{} kills, seed {}: repeat with CAVEAT_SEED={} tools/torture kill --kills {}\n", kills,
             seed, seed, kills);
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();
  const KillResults results = kill_many("child: many threads write until killed", kills, seed);
  for (const std::string& violation : results.violations) UNSCOPED_INFO(violation);
  CHECK(results.violations.empty());
  CHECK(results.calls > static_cast<std::uint64_t>(kills) * 3);
  if (kills >= 20) CHECK(results.early > 0);
  if (kills >= 100) CHECK(results.backups > 0);
  fmt::print(
      "{} kills, {} of them before the first call, {} calls and {} backups acknowledged, "
      "{} violations, {:.1f} s\n",
      results.kills, results.early, results.calls, results.backups, results.violations.size(),
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

TEST_CASE("planted: a process that acknowledges calls before they are made is caught, on rocksdb",
          "[kill][planted]") {
  const char* const child = "child: many threads write until killed that says so before";
  CHECK(kill_many(child, 30, chosen_seed()).violations.size() == 1);
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
