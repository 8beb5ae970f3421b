// Catch2's main, as test/main.cpp, that says after each case which changes it reached.
//
// A line a case in the file CAVEAT_MUTANT_CASES: name, seconds of processor time, 1 if it passed,
// the ids that made a difference; separated by tabs, the ids by spaces, and those that were only
// reached are negative.
#define CATCH_CONFIG_MAIN
#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <fstream>

#include "tools/mutation/mutants.h"

namespace {

class Reach : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    TestEventListenerBase::testCaseStarting(info);
    if (mutant::seen != nullptr) std::fill_n(mutant::seen, mutant::seen_bytes, '\0');
    begun_ = std::clock();
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const double took = static_cast<double>(std::clock() - begun_) / CLOCKS_PER_SEC;
    const char* const path = std::getenv("CAVEAT_MUTANT_CASES");
    if (path != nullptr && mutant::seen != nullptr) {
      std::ofstream out(path, std::ios::app);
      out << stats.testInfo.name << '\t' << took << '\t' << stats.totals.assertions.allPassed()
          << '\t';
      for (std::size_t id = 1; id < mutant::seen_bytes; ++id) {
        if (mutant::seen[id] != 0) out << (mutant::seen[id] == 1 ? "-" : "") << id << ' ';
      }
      out << '\n';
    }
    TestEventListenerBase::testCaseEnded(stats);
  }

 private:
  std::clock_t begun_ = 0;
};
CATCH_REGISTER_LISTENER(Reach)

}  // namespace
