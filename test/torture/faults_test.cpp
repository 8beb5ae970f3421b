// An error at any operation of the disk, in every public call: the call says so or does without,
// nothing is lost, nothing is shown that was refused, and the store goes on or says what to do.
//
// A few points of each call by default; tools/torture faults does all.
#include <filesystem>

#include "caveat/backup.h"
#include "caveat/storage_optimizer.h"
#include "test/support/seed.h"
#include "test/support/stores.h"
#include "test/torture/io_faults.h"
#include "test/torture/trials.h"

namespace caveat::test {

namespace {

std::size_t caught(const char* call, const char* mode, const char* planted) {
  const ScratchDirectory images;
  make_fault_images(images.path());
  TrialPlan plan;
  plan.campaign = "faults";
  plan.call = call;
  plan.mode = mode;
  plan.planted = planted;
  plan.stop_at_first = true;
  return run_trials(plan, images.path()).violations.size();
}

TrialResults run_faults(TrialSet set, std::vector<std::string> modes,
                        const ScratchDirectory& images) {
  make_fault_images(images.path());
  set.campaign = "faults";
  set.modes = std::move(modes);
  for (const IoKind kind : kIoKinds) set.kinds.emplace_back(to_string(kind));
  return run_trial_set(set, images.path());
}

// Each kind of operation failed at least once in each mode; of a full disk those that need room.
std::vector<std::string> unseen(const TrialResults& all, const std::vector<std::string>& modes) {
  std::vector<std::string> kinds;
  for (const std::string& mode : modes) {
    const auto seen = all.seen_in.find(mode);
    for (const IoKind kind : kIoKinds) {
      if (mode == "no-space" && !needs_space(kind)) continue;
      const std::string name(to_string(kind));
      const bool there = seen != all.seen_in.end() && seen->second.contains(name);
      if (!there) kinds.push_back(mode + " " + name);
    }
  }
  return kinds;
}

}  // namespace

TEST_CASE("an error of the disk is said, and nothing is lost, on rocksdb", "[faults]") {
  const ScratchDirectory images;
  TrialSet set;
  set.seed = chosen_seed();
  set.points = kSanitized ? 1 : 3;
  const std::vector<std::string> modes = {"once", "sticky"};
  const TrialResults all = run_faults(set, modes, images);
  for (const std::string& violation : all.violations) UNSCOPED_INFO(violation);
  CHECK(all.violations.empty());
  CHECK(all.failed > 10);
  CHECK(unseen(all, modes) == std::vector<std::string>());
}

// What RocksDB could not read while it looked at a backup was told as damage of the backup, and so
// was what a verification of its records could not read.
TEST_CASE("a backup that the disk does not give is not called damaged, on rocksdb",
          "[faults][backup][regression]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  for (const auto& [call, mode] :
       {std::pair("restore", "sticky"), std::pair("restore-over", "once"),
        std::pair("verify-backup", "once")}) {
    TrialPlan plan;
    plan.campaign = "faults";
    plan.call = call;
    plan.mode = mode;
    const TrialResults results = check_trials(plan, kSanitized ? 2 : 6, images.path());
    CHECK(results.failed > 0);
  }
}

// It was in its place by then, and the store that had been there was deleted.
TEST_CASE("a restore whose place does not reach the device leaves the store that was there",
          "[faults][backup][regression]") {
  namespace fs = std::filesystem;
  const IoFault fault = GENERATE(IoFault::once, IoFault::sticky);
  const ScratchDirectory directory;
  const fs::path place = directory.path() / "store";
  const fs::path backups = directory.path() / "backups";
  auto store = value_of(StorageOptimizer::open(place));
  value_of(store.store_exception({1, 1}, {}));
  value_of(create_backup(store, backups));
  value_of(store.store_exception({2, 1}, {}));
  value_of(store.close());

  RestoreOptions options;
  options.replace = true;
  IoFaults& faults = IoFaults::instance();
  faults.arm(directory.path(), IoKind::sync, ".", 0, fault);  // of the directory around it
  const auto restored = restore_backup(backups, std::nullopt, place, options);
  const auto struck = faults.struck();
  faults.disarm();
  REQUIRE(struck > 0);
  REQUIRE_FALSE(restored);
  INFO(restored.error().message());
  CHECK(restored.error().code() == ErrorCode::io_error);

  std::size_t beside = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    if (entry.path() == place || entry.path() == backups) continue;
    ++beside;
    CHECK(restored.error().message().find(entry.path().string()) != std::string::npos);
  }
  CHECK(beside == (fault == IoFault::once ? 0 : 1));
  store = value_of(StorageOptimizer::open(place));
  CHECK(value_of(store.count({})) == 2);
  value_of(store.close());
}

// Environment: see tools/campaigns/faults.
TEST_CASE("the campaign: an error at every operation of the disk, on rocksdb",
          "[.faults-campaign]") {
  const ScratchDirectory images;
  const TrialSet set = set_of_environment();
  const std::vector<std::string> modes = {"once", "sticky", "no-space"};
  const TrialResults all = run_faults(set, modes, images);
  CHECK(all.violations.empty());
  if (set.only.empty()) CHECK(unseen(all, modes) == std::vector<std::string>());
}

TEST_CASE("the campaign: one error of the disk again, on rocksdb", "[.faults-repeat]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  CHECK(repeat_trial("faults", images.path()).violations.empty());
}

TEST_CASE("planted: a kind of operation that never fails is noticed", "[faults][planted]") {
  TrialResults all;
  for (const IoKind kind : kIoKinds) all.seen_in["once"].emplace(to_string(kind));
  CHECK(unseen(all, {"once"}).empty());
  all.seen_in["once"].erase("rename");
  CHECK(unseen(all, {"once"}) == std::vector<std::string>{"once rename"});
  CHECK(unseen(all, {"once", "no-space"}).size() == 1 + 5);
}

TEST_CASE("planted: a failed write that is taken for done is caught, on rocksdb",
          "[faults][planted]") {
  CHECK(caught("store", "once", "swallowed-writes") == 1);
}

TEST_CASE(
    "planted: a write for which there is no room that is taken for done is caught, on rocksdb",
    "[faults][planted]") {
  CHECK(caught("store", "no-space", "swallowed-writes") == 1);
}

TEST_CASE("planted: a failed read that is taken for nothing is caught, on rocksdb",
          "[faults][planted]") {
  CHECK(caught("retrieve", "once", "swallowed-reads") == 1);
}

}  // namespace caveat::test
