// Campaigns that try one call over and over, each time with something failing at another point.
//
// Each runs in a child process, for where the store, or RocksDB, ends the process or hangs, that is
// a violation like others: the child is started again behind that point.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "test/torture/public_calls.h"

namespace caveat::test {

// One call of one campaign, in the child.
class Trial {
 public:
  struct Outcome {
    bool struck = false;  // there was something at that point
    bool failed = false;  // the call said so
    std::string seen;     // what failed, in a word
    Violation wrong;
  };
  virtual ~Trial() = default;
  // How many points the call has, from 0 on.
  [[nodiscard]] virtual std::uint64_t operations() = 0;
  [[nodiscard]] virtual Outcome at(std::uint64_t point) = 0;
};

struct TrialPlan {
  static constexpr std::uint64_t kSpread = ~std::uint64_t{0};

  std::string campaign;  // "faults" or "alloc"
  std::string call;
  std::string mode;              // how it fails; "once/sync": those operations alone
  std::string planted = "none";  // a bug by its name
  std::uint64_t points = 0;      // evenly spread; 0: all
  std::uint64_t seed = 0;        // of where they begin
  std::uint64_t only = kSpread;  // that point alone
  double seconds = 0;            // as many as fit (spread_points.h), one at least; 0: no end
  bool stop_at_first = false;    // violation
};

struct TrialResults {
  std::uint64_t operations = 0;
  std::uint64_t points = 0;
  std::uint64_t failed = 0;                              // of them, calls that said so
  std::map<std::string, std::uint64_t> seen;             // what failed, how often
  std::map<std::string, std::set<std::string>> seen_in;  // by mode, in run_trial_set
  // RocksDB ended the process, by which assertion, how often: nothing that caveat could mend.
  std::map<std::string, std::uint64_t> rocksdb_asserts;
  std::vector<std::string> violations;
  double seconds = 0;

  void add(const TrialResults& other);
};

// `images`: stores that the campaign begins with; made where it has none.
[[nodiscard]] TrialResults run_trials(const TrialPlan& plan, const std::filesystem::path& images);

// Some points of one call in one mode, spread by the chosen seed: none may be a violation.
TrialResults check_trials(TrialPlan plan, std::uint64_t points,
                          const std::filesystem::path& images);

// All public calls in all modes; prints a table.
struct TrialSet {
  std::string campaign;
  std::vector<std::string> modes;
  std::vector<std::string>
      kinds;         // of operations: of each some fail in each mode, whatever else does
  std::string only;  // that call alone; empty: all
  std::uint64_t seed = 0;
  std::uint64_t points = 0;  // of each call; 0: all
  double seconds = 0;        // 0: no end
};
[[nodiscard]] TrialResults run_trial_set(const TrialSet& set, const std::filesystem::path& images);

// CAVEAT_TORTURE_SECONDS, CAVEAT_TORTURE_CALL, CAVEAT_SEED.
[[nodiscard]] TrialSet set_of_environment();
// The point that CAVEAT_TORTURE_REPEAT names as CALL:MODE:POINT.
[[nodiscard]] TrialResults repeat_trial(const std::string& campaign,
                                        const std::filesystem::path& images);

// fault_trials.cpp and alloc_trials.cpp
[[nodiscard]] std::unique_ptr<Trial> make_fault_trial(const TrialPlan& plan,
                                                      const std::filesystem::path& images);
[[nodiscard]] std::unique_ptr<Trial> make_alloc_trial(const TrialPlan& plan,
                                                      const std::filesystem::path& images);
// Stores on RocksDB: "closed", and "crashed", whose process ended without it.
void make_fault_images(const std::filesystem::path& images);
// Of an image. Tables never change: a second name is enough.
void copy_store(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace caveat::test
