// Power is lost while backups are made, thinned out and restored: what was acknowledged is there
// and whole, what was not is there whole or not at all.
//
// A few points by default; tools/torture power does more, and CAVEAT_SEED repeats.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "test/support/seed.h"
#include "test/torture/spread_points.h"
#include "test/torture/tree_disk.h"
#include "test/torture/workload_run.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;
using Violation = std::optional<std::string>;

constexpr std::size_t kKeep = 2;

struct BackupStep {
  bool restores = false;  // the newest, in place of the store that is there; else it makes one
  std::uint64_t id = 0;   // of that backup
  std::uint64_t records = 0;
};

// How much of it is done, where the power is lost.
struct BackupProgress {
  std::size_t begun = 0;
  std::size_t done = 0;
};

// A store that grows, outside of the tree; in the tree its backups and a store restored from them.
class BackupWorld {
 public:
  BackupWorld() : store_(value_of(StorageOptimizer::open(scratch_.path() / "store", options()))) {
    fs::create_directory(tree());
  }

  // Runs all steps, noting what they do.
  void run(bool lies) {
    TreeWatch watch(tree());
    if (lies) watch.lie_about_syncs();
    std::uint64_t records = 0, id = 0;
    for (const bool restores : {false, false, true, false, true, false}) {
      if (!restores) {
        add(records, records + 300);
        records += 300;
        ++id;
      }
      watch.mark(steps.size() * 2);
      if (restores) {
        value_of(restore_backup(tree() / "backups", std::nullopt, tree() / "restored",
                                RestoreOptions{true, nullptr}));
      } else {
        BackupOptions how;
        how.keep = kKeep;
        value_of(create_backup(store_, tree() / "backups", how));
      }
      watch.mark(steps.size() * 2 + 1);
      steps.push_back({restores, id, records});
    }
    events = watch.take_events();
  }

  // What is wrong with the tree after a loss of power.
  Violation check(const fs::path& tree, const BackupProgress& progress, bool goes_on) {
    if (auto wrong = check_backups(tree / "backups", progress)) return wrong;
    if (auto wrong = check_restored(tree / "restored", progress)) return wrong;
    if (!goes_on) return std::nullopt;
    const auto next = create_backup(store_, tree / "backups");
    if (!next) return "no backup can be made any more: " + next.error().message();
    const auto sound = verify_backup(tree / "backups", std::nullopt);
    return sound ? std::nullopt : Violation("the next backup: " + sound.error().message());
  }

  [[nodiscard]] const fs::path& scratch() const { return scratch_.path(); }
  std::vector<BackupStep> steps;
  std::vector<TreeEvent> events;

 private:
  static Options options() {
    Options small = torture_options();
    small.partition_records = 64;
    return small;
  }
  [[nodiscard]] fs::path tree() const { return scratch_.path() / "tree"; }
  void add(NodeId from, NodeId to) {
    store_nodes(store_, hash_property(property_name(0)), from, to, [](NodeId node) {
      return numbered({node, hash_property(property_name(0))}, node + 1);
    });
  }

  Violation check_backups(const fs::path& backups, const BackupProgress& progress) const {
    std::uint64_t done = 0, begun = 0;  // the newest id
    for (std::size_t i = 0; i < progress.begun; ++i) {
      begun = std::max(begun, steps[i].id);
      if (i < progress.done) done = begun;
    }
    const auto listed = list_backups(backups);
    if (!listed) {
      const bool absent = listed.error().code() == ErrorCode::not_found;
      if (absent && done == 0) return std::nullopt;
      return "the backups: " + listed.error().message();
    }
    std::vector<std::uint64_t> there;
    for (const ListedBackup& backup : *listed) {
      const std::string name = fmt::format("backup {}", backup.id);
      if (backup.id > begun) return name + " was never made";
      if (backup.id + kKeep <= done) return name + " was deleted, and is there";
      const auto sound = verify_backup(backups, backup.id);
      if (!sound) return fmt::format("{}: {}", name, sound.error().message());
      if (sound->records != backup.id * 300) return name + " is that of another moment";
      there.push_back(backup.id);
    }
    // One that is under way may have deleted what it is to delete.
    for (std::uint64_t id = begun > kKeep ? begun - kKeep + 1 : 1; id <= done; ++id) {
      if (std::find(there.begin(), there.end(), id) == there.end()) {
        return fmt::format("backup {} was acknowledged, and is gone", id);
      }
    }
    return std::nullopt;
  }

  Violation check_restored(const fs::path& restored, const BackupProgress& progress) const {
    std::vector<std::uint64_t> allowed = {0};  // records; 0: no store
    for (std::size_t i = 0; i < progress.begun; ++i) {
      if (!steps[i].restores) continue;
      if (i < progress.done) allowed.clear();
      allowed.push_back(steps[i].records);
    }
    std::uint64_t found = 0;
    if (fs::exists(restored / "CAVEAT")) {
      auto opened = StorageOptimizer::open(restored, options());
      if (!opened) return "what was restored does not open: " + opened.error().message();
      const auto count = opened->count({});
      if (!count) return "what was restored cannot be read: " + count.error().message();
      const auto verified = opened->verify();
      if (!verified || !verified->sound()) return "what was restored is not sound";
      found = *count;
    }
    if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return std::nullopt;
    return fmt::format("{} records are where {} were restored", found, allowed.front());
  }

  ScratchDirectory scratch_;
  StorageOptimizer store_;
};

struct BackupLosses {
  std::uint64_t operations = 0;
  std::uint64_t points = 0;
  std::uint64_t cases = 0;
  std::vector<std::string> violations;
};

// As SpreadPoints says.
BackupLosses lose_power_in_backups(std::uint64_t seed, std::uint64_t points, double seconds,
                                   bool lies = false) {
  BackupWorld world;
  world.run(lies);
  BackupLosses losses;
  losses.operations = static_cast<std::uint64_t>(
      std::count_if(world.events.begin(), world.events.end(),
                    [](const TreeEvent& event) { return event.is_operation(); }));
  SpreadPoints spread(losses.operations, points, seconds, seed);
  TreeDisk disk;
  BackupProgress progress;
  std::uint64_t operation = 0;
  for (const TreeEvent& event : world.events) {
    const bool here = event.is_operation() && spread.is_one(operation);
    if (event.is_operation()) ++operation;
    if (here) {
      // Of the operation alone, so that a run of all of them repeats it.
      std::mt19937_64 random(seed * 1'000'003 + operation);
      ++losses.points;
      for (const PowerLoss way : kPowerLosses) {
        const fs::path image = world.scratch() / "image";
        disk.write_after(way, random(), image);
        ++losses.cases;
        if (const auto wrong = world.check(image, progress, random() % 4 == 0)) {
          losses.violations.push_back(fmt::format("backups seed {}, operation {} of {}, {}: {}",
                                                  seed, operation, losses.operations,
                                                  to_string(way), *wrong));
          if (lies) return losses;
        }
      }
    }
    disk.apply(event);
    if (event.is_operation()) continue;
    if (event.number % 2 == 0) {
      progress.begun = event.number / 2 + 1;
    } else {
      progress.done = event.number / 2 + 1;
    }
  }
  return losses;
}

void report(std::uint64_t seed, const BackupLosses& losses) {
  fmt::print(
      "backups: {} operations, {} points, {} losses, {} violations; repeat with CAVEAT_SEED={} "
      "tools/torture power --all\n",
      losses.operations, losses.points, losses.cases, losses.violations.size(), seed);
  for (const std::string& violation : losses.violations) fmt::print("{}\n", violation);
  std::fflush(stdout);
  CHECK(losses.points > 0);
  CHECK(losses.violations.empty());
}

}  // namespace

TEST_CASE("after a loss of power backups and restores are whole or not there, on rocksdb",
          "[power][backup]") {
  const std::uint64_t seed = chosen_seed();
  report(seed, lose_power_in_backups(seed, kSanitized ? 6 : 16, 0));
}

// Environment: see tools/campaigns/power.
TEST_CASE("the campaign: losses of power during backups, on rocksdb", "[.power-campaign]") {
  const std::uint64_t seed = chosen_seed();
  const char* const text = std::getenv("CAVEAT_TORTURE_SECONDS");
  const double seconds = text == nullptr ? 0 : std::strtod(text, nullptr) / 4;
  // A case takes some 100 ms.
  const auto points = seconds > 0 ? 1 + static_cast<std::uint64_t>(seconds / 0.4) : 0;
  report(seed, lose_power_in_backups(seed, points, seconds));
}

TEST_CASE("planted: a disk that lies about the syncs of backups is caught, on rocksdb",
          "[power][backup][planted]") {
  CHECK_FALSE(lose_power_in_backups(1, 8, 0, true).violations.empty());
}

}  // namespace caveat::test
