// A store under mixed load neither grows nor slows down. Seconds here; tools/torture soak takes
// half an hour.
#include <cstdio>
#include <cstdlib>

#include "test/support/seed.h"
#include "test/support/stores.h"
#include "test/torture/soak.h"

namespace caveat::test {

namespace {

double number_from(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtod(text, nullptr);
}

SoakResults run(SoakPlan plan) {
  const ScratchDirectory scratch;
  plan.directory = scratch.path() / "store";
  plan.seed = chosen_seed();
  std::printf("seed %llu\n", static_cast<unsigned long long>(plan.seed));
  SoakResults results = soak(plan);
  std::printf(
      "%zu cursors held and read to their end, the longest %.0f s, at most %.1f MiB for them\n",
      results.cursors, results.longest_held, results.most_pinned_mib);
  return results;
}

bool flat(const std::vector<Trend>& trends, std::string_view only = {}) {
  bool all = true;
  for (const Trend& trend : trends) {
    std::printf("%-14s first third %9.1f, last third %9.1f%s\n", trend.name, trend.first,
                trend.last, trend.flat() ? "" : "  GROWS");
    if (only.empty() || only == trend.name) all = all && trend.flat();
  }
  return all;
}

}  // namespace

TEST_CASE("mixed load for a while: every answer is right, on rocksdb", "[soak]") {
  const auto results = run({.directory = {}, .seconds = kSanitized ? 2.0 : 3.0});
  CHECK(results.wrong.empty());
  INFO(results.wrong);
  CHECK(results.samples.size() == 12);
  CHECK(results.cursors > 0);
}

TEST_CASE("planted: a store that leaks is caught by the soak, on rocksdb", "[soak][planted]") {
  const auto results = run({.directory = {}, .seconds = 2, .leaked_bytes_a_write = 65'536});
  CHECK(results.wrong.empty());
  CHECK_FALSE(flat(trends_of(results.samples), "resident, MiB"));
}

// Environment: see tools/campaigns/soak.
TEST_CASE("the campaign: mixed load for long, on rocksdb", "[.soak-campaign]") {
  SoakPlan plan;
  plan.seconds = number_from("CAVEAT_SOAK_SECONDS", 1800);
  plan.records = static_cast<std::uint64_t>(number_from("CAVEAT_SOAK_RECORDS", 500'000));
  plan.samples = 36;
  const auto results = run(plan);
  std::printf("%s", soak_text(results.samples).c_str());
  INFO(results.wrong);
  CHECK(results.wrong.empty());
  CHECK(results.cursors >= 3);
  CHECK(results.moved_on >= 3);
  for (const SoakSample& sample : results.samples) CHECK(sample.operations > 0);  // no one waits
  CHECK(flat(trends_of(results.samples)));
}

}  // namespace caveat::test
