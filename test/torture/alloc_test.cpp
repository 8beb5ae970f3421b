// Any allocation of ours fails, in every public call: std::bad_alloc or an error, nothing changed,
// nothing kept, and the store goes on.
//
// Some points of each call by default; tools/torture alloc does all.
#include "test/support/seed.h"
#include "test/torture/trials.h"

namespace caveat::test {

namespace {

std::size_t caught(const char* call, const char* planted, const char* mode = "once") {
  const ScratchDirectory images;
  if (std::string_view(mode).starts_with("rocksdb")) make_fault_images(images.path());
  TrialPlan plan;
  plan.campaign = "alloc";
  plan.call = call;
  plan.mode = mode;
  plan.planted = planted;
  plan.stop_at_first = true;
  // What another thread frees at that moment can hide what is kept, but not again and again.
  for (int attempt = 0; attempt < 4; ++attempt) {
    const auto found = run_trials(plan, images.path()).violations.size();
    if (found > 0) return found;
  }
  return 0;
}

}  // namespace

TEST_CASE("without memory a call changes nothing and keeps nothing", "[alloc]") {
  TrialSet set;
  set.campaign = "alloc";
  set.modes = {"once", "sticky"};
  set.seed = chosen_seed();
  set.points = kSanitized ? 3 : 12;
  const TrialResults all = run_trial_set(set, {});
  for (const std::string& violation : all.violations) UNSCOPED_INFO(violation);
  CHECK(all.violations.empty());
  CHECK(all.failed > 50);
}

TEST_CASE("without memory for caveat's own, a call changes nothing, on rocksdb", "[alloc]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  TrialSet set;
  set.campaign = "alloc";
  set.modes = {"rocksdb"};
  set.seed = chosen_seed();
  set.points = kSanitized ? 1 : 3;
  const TrialResults all = run_trial_set(set, images.path());
  for (const std::string& violation : all.violations) UNSCOPED_INFO(violation);
  CHECK(all.violations.empty());
  CHECK(all.failed > 10);
}

// The directory was listed by what throws nothing, and the destructor of the backend threw: either
// ended the process.
TEST_CASE("without memory an opening or a destructor does not end the process, on rocksdb",
          "[alloc][regression]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  for (const auto& [call, mode] :
       {std::pair("destroy", "rocksdb-sticky"), std::pair("open", "rocksdb-sticky"),
        std::pair("open", "rocksdb"), std::pair("recover", "rocksdb")}) {
    TrialPlan plan;
    plan.campaign = "alloc";
    plan.call = call;
    plan.mode = mode;
    const TrialResults results = check_trials(plan, kSanitized ? 6 : 16, images.path());
    CHECK(results.points >= (kSanitized ? 6 : 16));
  }
}

// Environment: see tools/campaigns/alloc.
TEST_CASE("the campaign: every allocation fails", "[.alloc-campaign]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  TrialSet set = set_of_environment();
  set.campaign = "alloc";
  set.modes = {"once", "once-any", "sticky", "rocksdb", "rocksdb-any", "rocksdb-sticky"};
  CHECK(run_trial_set(set, images.path()).violations.empty());
}

TEST_CASE("the campaign: one allocation fails again", "[.alloc-repeat]") {
  const ScratchDirectory images;
  make_fault_images(images.path());
  CHECK(repeat_trial("alloc", images.path()).violations.empty());
}

TEST_CASE("planted: a lock that is kept is caught", "[alloc][planted]") {
  CHECK(caught("write", "kept-lock") == 1);
}

TEST_CASE("planted: memory that is kept is caught", "[alloc][planted]") {
  CHECK(caught("write", "leak") == 1);
}

TEST_CASE("planted: a log that is forgotten is caught", "[alloc][planted]") {
  CHECK(caught("flush", "forgotten-log") == 1);
}

TEST_CASE("planted: a write that is said to be done is caught", "[alloc][planted]") {
  CHECK(caught("store", "said-done") == 1);
}

TEST_CASE("planted: a write without memory that is said to be done is caught, on rocksdb",
          "[alloc][planted]") {
  CHECK(caught("store", "noted", "rocksdb") == 1);
}

}  // namespace caveat::test
