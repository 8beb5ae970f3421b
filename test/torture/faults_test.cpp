// An error at any operation of the disk, in every public call: the call says so or does without,
// nothing is lost, nothing is shown that was refused, and the store goes on or says what to do.
//
// A few points of each call by default; tools/torture faults does all.
#include "test/support/seed.h"
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

}  // namespace

TEST_CASE("an error of the disk is said, and nothing is lost, on rocksdb", "[faults]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  TrialSet set;
  set.campaign = "faults";
  set.modes = {"once", "sticky"};
  set.seed = chosen_seed();
  set.points = kSanitized ? 1 : 3;
  const TrialResults all = run_trial_set(set, images.path());
  for (const std::string& violation : all.violations) UNSCOPED_INFO(violation);
  CHECK(all.violations.empty());
  CHECK(all.failed > 10);
}

// Environment: see tools/campaigns/faults.
TEST_CASE("the campaign: an error at every operation of the disk, on rocksdb",
          "[.faults-campaign]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  TrialSet set = set_of_environment();
  set.campaign = "faults";
  set.modes = {"once", "sticky", "no-space"};
  CHECK(run_trial_set(set, images.path()).violations.empty());
}

TEST_CASE("the campaign: one error of the disk again, on rocksdb", "[.faults-repeat]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  CHECK(repeat_trial("faults", images.path()).violations.empty());
}

TEST_CASE("planted: a failed write that is taken for done is caught, on rocksdb",
          "[faults][planted]") {
  CHECK(caught("store", "once", "swallowed-writes") == 1);
}

TEST_CASE("planted: a failed read that is taken for nothing is caught, on rocksdb",
          "[faults][planted]") {
  CHECK(caught("retrieve", "once", "swallowed-reads") == 1);
}

}  // namespace caveat::test
