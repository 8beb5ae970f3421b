// Any byte of any file of a store, any file as a whole, and any end of one: what repair reads of it
// is all but what lay in the damaged place, and never anything that was not so.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <random>

#include "engine/sync/sync_point.h"
#include "test/support/seed.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"
#include "tools/cli/damaged_store.h"

namespace caveat::test {
namespace {

namespace fs = std::filesystem;
using cli::DamagedStore;
using Records = std::map<ExceptionKey, Exception>;

constexpr std::size_t kRecords = 2000;
constexpr std::size_t kProperties = 4;

ExceptionRecord record(std::size_t i, std::int64_t value) {
  Exception exception;
  exception.inherited_value = true;
  exception.actual_value = value;
  exception.reason = "because of " + std::to_string(i * 7919 % 1000) + " and " + std::to_string(i);
  exception.confidence = static_cast<float>(i % 11) / 10.0F;
  exception.created_at = static_cast<std::int64_t>(i) * 1'000'000'000;
  return {{i / kProperties + 1, hash_property("p" + std::to_string(i % kProperties))}, exception};
}

// Tables of every family, runs of newer values above the blocks, and values that are in the log
// alone.
struct World {
  Records now;
  std::map<ExceptionKey, std::vector<Exception>> before;  // what each key was once

  void write(StorageOptimizer& store, const std::vector<ExceptionRecord>& records) {
    value_of(store.bulk_store(records));
    for (const auto& [key, exception] : records) {
      if (const auto old = now.find(key); old != now.end()) before[key].push_back(old->second);
      now[key] = exception;
    }
  }
};

World make_store(const fs::path& path, bool closed) {
  World world;
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.partition_records = 64;
  options.background_maintenance = false;
  auto store =
      value_of(StorageOptimizer::open(closed ? path : fs::path(path.string() + ".open"), options));
  for (std::size_t i = 0; i < kProperties; ++i) {
    value_of(store.register_property("p" + std::to_string(i)));
  }
  std::vector<ExceptionRecord> all, some, few;
  for (std::size_t i = 0; i < kRecords; ++i) all.push_back(record(i, static_cast<std::int64_t>(i)));
  for (std::size_t i = 0; i < kRecords; i += 40)
    some.push_back(record(i, 1'000'000 + static_cast<std::int64_t>(i)));
  for (std::size_t i = 20; i < kRecords; i += 90)
    few.push_back(record(i, 2'000'000 + static_cast<std::int64_t>(i)));
  world.write(store, all);
  value_of(store.optimize_storage());
  value_of(store.compact_storage());
  world.write(store, some);
  value_of(store.get_storage_statistics());  // folds: runs behind the blocks
  value_of(store.flush());
  if (closed) {
    value_of(store.close());
    store = value_of(StorageOptimizer::open(path, options));
  }
  world.write(store, few);
  if (closed) {
    value_of(store.close());
  } else {  // as it is in the middle of its life
    value_of(store.flush());
    fs::copy(path.string() + ".open", path);
  }
  return world;
}

enum class Kind {
  marker,
  current,
  manifest,
  options,
  primary,
  meta,
  index,
  log,
  lock,
  spare,
  other
};

std::string name_of(Kind kind) {
  static const char* const names[] = {"CAVEAT",      "CURRENT",      "MANIFEST", "OPTIONS",
                                      "records",     "meta",         "indexes",  "log",
                                      "caveat.lock", "caveat.spare", "others"};
  return names[static_cast<std::size_t>(kind)];
}

Kind kind_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name == "CAVEAT") return Kind::marker;
  if (name == "CURRENT") return Kind::current;
  if (name.starts_with("MANIFEST-")) return Kind::manifest;
  if (name.starts_with("OPTIONS-")) return Kind::options;
  if (name == "caveat.lock") return Kind::lock;
  if (name == "caveat.spare") return Kind::spare;
  if (file.extension() == ".log") return Kind::log;
  if (file.extension() != ".sst") return Kind::other;
  const auto bytes = bytes_of(file);
  if (bytes.find("nameprimary") != std::string::npos) return Kind::primary;
  return bytes.find("namedefault") != std::string::npos ? Kind::meta : Kind::index;
}

struct Share {
  std::size_t cases = 0;
  std::size_t equal = 0;  // opened in the normal way, and all is there
  std::size_t whole = 0;  // read file by file, and all is there
  std::size_t records = 0;
  std::size_t least = kRecords;
};

struct Found {
  std::string wrong;
  std::size_t records = 0;
  bool from_files = false;
};

bool inside(const SalvageLoss& loss, const ExceptionKey& key) {
  const auto before = cli::partition_bound(loss.before);
  const auto behind = cli::partition_bound(loss.behind);
  return (!before || *before <= key) && (!behind || key < *behind);
}

// May what is stored under the key be missing, or as it was once?
bool may_be_lost(const DamagedStore& store, const ExceptionKey& key, Kind kind) {
  for (const SalvageLoss& loss : store.losses()) {
    if (!loss.of_records) continue;
    if (loss.family == "primary" && inside(loss, key)) return true;
    if (loss.family == "delta" || kind == Kind::log) return true;
  }
  return false;
}

Found read_and_compare(const fs::path& path, const World& world, Kind kind) {
  Found found;
  auto store = DamagedStore::open(path.string());
  if (!store) {
    found.wrong = "nothing is read: " + store.error().message();
    return found;
  }
  found.from_files = !store->why().empty();
  std::vector<std::pair<ExceptionKey, ExceptionKey>> gaps;  // of the cursor
  auto cursor = value_of((**store).query({}));
  Records read;
  ExceptionKey last;
  bool in_gap = false;
  for (;;) {
    const auto next = cursor.next();
    if (!next) {
      if (!cursor.skip_damage()) break;
      if (!in_gap) gaps.emplace_back(last, ExceptionKey{~NodeId{0}, ~PropertyHash{0}});
      in_gap = true;
      continue;
    }
    if (*next == nullptr) break;
    last = (*next)->key;
    if (in_gap) gaps.back().second = last;
    in_gap = false;
    read[last] = (*next)->to_exception();
  }
  const auto lost = [&](const ExceptionKey& key) {
    return may_be_lost(*store, key, kind) ||
           std::any_of(gaps.begin(), gaps.end(),
                       [&](const auto& gap) { return gap.first <= key && key <= gap.second; });
  };
  const auto say = [&](const char* what, const ExceptionKey& key) {
    if (!found.wrong.empty()) return;
    found.wrong = std::string(what) + " node " + std::to_string(key.node_id);
    for (const auto& loss : store->losses()) found.wrong += "; " + loss.sentence();
  };
  for (const auto& [key, exception] : read) {
    const auto right = world.now.find(key);
    if (right == world.now.end()) {
      say("a record that never was:", key);
    } else if (!(right->second == exception)) {
      const auto old = world.before.find(key);
      const bool once =
          old != world.before.end() &&
          std::find(old->second.begin(), old->second.end(), exception) != old->second.end();
      if (!once) say("a value that never was:", key);
      if (once && !lost(key)) say("an older value, and nothing says so:", key);
    } else {
      ++found.records;
    }
  }
  for (const auto& [key, exception] : world.now) {
    if (!read.contains(key) && !lost(key)) say("a record is missing, and nothing says so:", key);
  }
  return found;
}

// A copy in which all files but the damaged one are links.
void link_store(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directory(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    fs::create_hard_link(entry.path(), to / entry.path().filename());
  }
}

using Shares = std::map<Kind, Share>;

void add(Shares& shares, Kind kind, const Found& found) {
  Share& share = shares[kind];
  ++share.cases;
  share.records += found.records;
  share.least = std::min(share.least, found.records);
  if (found.records == kRecords) ++(found.from_files ? share.whole : share.equal);
}

std::vector<std::uint64_t> places(const fs::path& file, std::size_t count,
                                  std::mt19937_64& random) {
  std::vector<std::uint64_t> at;
  const std::uint64_t size = fs::file_size(file);
  if (size == 0) return at;
  for (std::size_t i = 0; i < count; ++i) at.push_back(random() % size);
  // The end of a table holds what it does not open without. Indexes are made anew.
  if (file.extension() == ".sst" && kind_of(file) != Kind::index) {
    for (const std::uint64_t back : {3, 30, 49, 80, 700}) {
      if (back < size) at.push_back(size - back);
    }
  }
  return at;
}

// Damage of one file at a time, removed, changed or cut: of each once, or until the time is over.
Shares damage_each_file(const fs::path& directory, const World& world, std::uint64_t seed,
                        std::size_t flips, std::uint64_t seconds, std::vector<std::string>& wrong) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::mt19937_64 random(seed);
  Shares shares;
  const auto damaged = directory / "damaged";
  const auto look = [&](const fs::path& file, const std::string& how) {
    const Kind kind = kind_of(file);
    const auto found = read_and_compare(damaged, world, kind);
    add(shares, kind, found);
    if (!found.wrong.empty()) {
      wrong.push_back(file.filename().string() + " (" + name_of(kind) + ") " + how + ": " +
                      found.wrong);
    }
  };
  do {
    for (const auto& entry : fs::directory_iterator(directory / "sound")) {
      const fs::path name = entry.path().filename();
      link_store(directory / "sound", damaged);
      fs::remove(damaged / name);
      look(entry.path(), "removed");
      for (const std::uint64_t at : places(entry.path(), flips, random)) {
        link_store(directory / "sound", damaged);
        fs::remove(damaged / name);
        fs::copy_file(entry.path(), damaged / name);
        flip_bit(damaged / name, at);
        look(entry.path(), "byte " + std::to_string(at));
        // Where a log of a store that was not closed ends, that may be where it ended.
        if (kind_of(entry.path()) != Kind::log) {
          fs::resize_file(damaged / name, at);
          look(entry.path(), "cut at byte " + std::to_string(at));
        }
        const bool late = seconds > 0 && std::chrono::steady_clock::now() > end;
        if (wrong.size() > 20 || late) return shares;
      }
    }
  } while (std::chrono::steady_clock::now() < end);
  return shares;
}

void print(const char* what, const Shares& shares, std::uint64_t seed) {
  std::cout << what << ", seed " << seed << '\n';
  for (const auto& [kind, share] : shares) {
    std::cout << "  " << name_of(kind) << ": " << share.cases << " cases, " << share.equal
              << " open with all records, " << share.whole << " give all back file by file; mean "
              << 100.0 * static_cast<double>(share.records) /
                     static_cast<double>(share.cases * kRecords)
              << " %, least " << 100.0 * static_cast<double>(share.least) / kRecords << " %\n";
  }
}

std::uint64_t seconds_asked() {
  const char* text = std::getenv("CAVEAT_SALVAGE_SECONDS");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("a store with a damaged file gives back all but what lay in the damage", "[salvage]") {
  const auto seed = chosen_seed();
  INFO("CAVEAT_SEED=" << seed);
  for (const bool closed : {true, false}) {
    ScratchDirectory directory;
    const auto world = make_store(directory.path() / "sound", closed);
    std::vector<std::string> wrong;
    const auto shares = damage_each_file(directory.path(), world, seed,
                                         seconds_asked() == 0 ? 2 : 20, seconds_asked() / 2, wrong);
    print(closed ? "a closed store" : "a store that was not closed", shares, seed);
    for (const auto& sentence : wrong) FAIL_CHECK(sentence);
    for (const auto& [kind, share] : shares) {
      INFO(name_of(kind));
      // Without the records themselves and the log nothing is lost.
      if (kind != Kind::primary && kind != Kind::log) CHECK(share.least == kRecords);
      CHECK(share.cases > 0);
    }
  }
}

#ifdef CAVEAT_SYNC_POINTS
namespace {
struct TakesTheOldest final : sync::Script {
  void reached(sync::Point) override {}
  [[nodiscard]] bool planted(sync::Fault fault) const noexcept override {
    return fault == sync::Fault::salvage_takes_the_oldest;
  }
};
}  // namespace

TEST_CASE("planted: a salvage that gives the oldest state of a key is caught", "[salvage]") {
  ScratchDirectory directory;
  const auto world = make_store(directory.path() / "sound", true);
  fs::remove(directory.path() / "sound" / "CURRENT");
  REQUIRE(read_and_compare(directory.path() / "sound", world, Kind::current).wrong.empty());
  TakesTheOldest script;
  sync::script = &script;
  const auto found = read_and_compare(directory.path() / "sound", world, Kind::current);
  sync::script = nullptr;
  CHECK(found.wrong.find("an older value, and nothing says so") != std::string::npos);
}
#endif

}  // namespace caveat::test
