#include "test/torture/trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "test/support/child_process.h"
#include "test/support/seed.h"
#include "test/torture/spread_points.h"

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kHangSeconds = kSanitized ? 120 : 60;
constexpr unsigned kPlantedHangSeconds = 10;  // of a bug that hangs
constexpr const char* kVariable = "CAVEAT_TRIAL";
constexpr const char* kChild = "child: trials of one call";

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What the child is told: the plan, and at which point it begins.
std::string written(const TrialPlan& plan, std::uint64_t from, double seconds) {
  return fmt::format("{} {} {} {} {} {} {} {} {}", plan.campaign, plan.call, plan.mode,
                     plan.planted, plan.points, plan.seed, plan.only, from, seconds);
}

void run_child(const TrialPlan& plan, std::uint64_t from) {
  const auto trial = plan.campaign == "alloc" ? make_alloc_trial(plan, child_directory())
                                              : make_fault_trial(plan, child_directory());
  ::alarm(kHangSeconds);
  const std::uint64_t operations = trial->operations();
  const unsigned patience = plan.planted == "none" ? kHangSeconds : kPlantedHangSeconds;
  say(fmt::format("@operations {}", operations));
  const auto try_at = [&](std::uint64_t point) {
    say(fmt::format("@at {}", point));
    ::alarm(patience);
    const Trial::Outcome outcome = trial->at(point);
    ::alarm(0);
    if (outcome.struck) say("@seen " + outcome.seen);
    if (outcome.failed) say("@failed");
    if (outcome.wrong) say("@wrong " + *outcome.wrong);
  };
  if (plan.only != TrialPlan::kSpread) {
    try_at(plan.only);
  } else {
    SpreadPoints points(operations - std::min(from, operations), plan.points, plan.seconds,
                        plan.seed);
    for (std::uint64_t point = from; point < operations; ++point) {
      if (points.is_one(point - from)) try_at(point);
    }
  }
  say("@end");
}

std::string ending_of(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("the process ends with {}", WEXITSTATUS(status));
  if (WTERMSIG(status) == SIGALRM) return "the process hangs";
  return fmt::format("signal {} ends the process", WTERMSIG(status));
}

}  // namespace

TEST_CASE("child: trials of one call", "[.child]") {
  const char* const text = std::getenv(kVariable);
  REQUIRE(text != nullptr);
  std::istringstream in(text);
  TrialPlan plan;
  std::uint64_t from = 0;
  in >> plan.campaign >> plan.call >> plan.mode >> plan.planted >> plan.points >> plan.seed >>
      plan.only >> from >> plan.seconds;
  REQUIRE(in);
  run_child(plan, from);
}

void TrialResults::add(const TrialResults& other) {
  operations += other.operations;
  points += other.points;
  failed += other.failed;
  seconds += other.seconds;
  for (const auto& [what, count] : other.seen) seen[what] += count;
  for (const auto& [mode, what] : other.seen_in) seen_in[mode].insert(what.begin(), what.end());
  for (const auto& [what, count] : other.rocksdb_asserts) rocksdb_asserts[what] += count;
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
}

TrialResults run_trials(const TrialPlan& plan, const fs::path& images) {
  const auto begin = Clock::now();
  TrialResults results;
  std::uint64_t point = 0;
  const auto violation = [&](const std::string& wrong) {
    std::string text = fmt::format("{} {} at {}: {}", plan.call, plan.mode, point, wrong);
    if (plan.planted == "none") {
      text += fmt::format("\n  tools/torture {} --repeat {}:{}:{}", plan.campaign, plan.call,
                          plan.mode, point);
    }
    results.violations.push_back(std::move(text));
  };
  for (bool ended = false; !ended;) {
    const double left = plan.seconds > 0 ? std::max(0.1, plan.seconds - since(begin)) : 0;
    TrialPlan rest_of_it = plan;
    if (plan.points != 0) rest_of_it.points = plan.points - std::min(plan.points, results.points);
    if (plan.points != 0 && rest_of_it.points == 0) break;
    const std::uint64_t from = results.points == 0 ? 0 : point + 1;
    ::setenv(kVariable, written(rest_of_it, from, left).c_str(), 1);
    ChildProcess child(kChild, images);
    ::unsetenv(kVariable);
    bool stopped = false;
    bool rocksdb_ended_it = false;
    const std::uint64_t before = results.points;
    for (std::string line = child.next_line(); !line.empty(); line = child.next_line()) {
      const std::string word = line.substr(0, line.find(' '));
      const std::string rest = word.size() < line.size() ? line.substr(word.size() + 1) : "";
      if (word == "@operations") results.operations = std::stoull(rest);
      if (word == "@at") point = std::stoull(rest), ++results.points;
      if (word == "@seen") ++results.seen[rest];
      if (word == "@failed") ++results.failed;
      if (word == "@wrong") violation(rest);
      if (word == "@asserts") {  // ours are not by assert()
        rocksdb_ended_it = true;
        ++results.rocksdb_asserts[rest];
      }
      if (word == "@end") ended = true;
      if (plan.stop_at_first && !results.violations.empty()) {
        stopped = true;
        break;
      }
    }
    if (stopped) {
      child.kill();
      break;
    }
    const int status = child.wait();
    if (ended && status == 0) break;
    if (!rocksdb_ended_it) violation(ending_of(status) + (ended ? ", after all points" : ""));
    // It does not even begin, or one point only was asked for.
    if (results.points == before || plan.only != TrialPlan::kSpread) break;
    if (plan.stop_at_first) break;
  }
  results.seconds = since(begin);
  return results;
}

TrialResults check_trials(TrialPlan plan, std::uint64_t points,
                          const std::filesystem::path& images) {
  plan.points = points;
  plan.seed = chosen_seed();
  TrialResults results = run_trials(plan, images);
  for (const std::string& violation : results.violations) UNSCOPED_INFO(violation);
  CHECK(results.violations.empty());
  return results;
}

namespace {

void print_heading() {
  std::printf("%-18s %-15s %10s %7s %7s %7s %10s %8s  %s\n", "call", "mode", "operations", "points",
              "struck", "failed", "violations", "seconds", "seen");
}

void print_row(const std::string& call, const std::string& mode, const TrialResults& results) {
  std::string seen;
  std::uint64_t struck = 0;
  for (const auto& [what, count] : results.seen) {
    seen += fmt::format("{}{} {}", seen.empty() ? "" : ", ", what, count);
    struck += count;
  }
  fmt::print("{:<18} {:<15} {:>10} {:>7} {:>7} {:>7} {:>10} {:>8.1f}  {}\n", call, mode,
             results.operations, results.points, struck, results.failed, results.violations.size(),
             results.seconds, seen);
  for (const auto& [what, count] : results.rocksdb_asserts) {
    fmt::print("  apart: RocksDB ended the process {} times by its assertion {}\n", count, what);
  }
  for (const std::string& text : results.violations) fmt::print("{}\n", text);
  std::fflush(stdout);
}

bool only_reads(const PublicCall& call) {
  const auto reads = reading_calls();
  return std::any_of(reads.begin(), reads.end(),
                     [&](const PublicCall& read) { return read.name == call.name; });
}

std::string from_environment(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

}  // namespace

TrialResults run_trial_set(const TrialSet& set, const fs::path& images) {
  fmt::print("repeat with CAVEAT_SEED={}\n", set.seed);
  print_heading();
  const auto begin = Clock::now();
  const auto is_one = [&](const PublicCall& call, const std::string& mode) {
    const bool in_memory = set.campaign == "alloc" && !mode.starts_with("rocksdb");
    return (set.only.empty() || set.only == call.name) && !(in_memory && call.needs_files());
  };
  std::size_t left = 0;  // rows to come
  for (const std::string& mode : set.modes) {
    for (const PublicCall& call : public_calls()) left += is_one(call, mode) ? 1U : 0U;
  }
  TrialResults all;
  for (const std::string& mode : set.modes) {
    for (const PublicCall& call : public_calls()) {
      if (!is_one(call, mode)) continue;
      TrialPlan plan;
      plan.campaign = set.campaign;
      plan.call = call.name;
      plan.mode = mode;
      plan.seed = set.seed;
      plan.points = set.points;
      // Every write after it waits for a disk that is gone; and a call that reads has shown by then
      // what it shows.
      if (mode == "sticky" && plan.points != 0 && only_reads(call)) plan.points = 1;
      // After a full disk it takes seconds until RocksDB sees that there is room.
      if (mode == "no-space" && plan.points == 0) plan.points = 2;
      if (set.seconds > 0) {
        plan.seconds = std::max(0.5, (set.seconds - since(begin)) / static_cast<double>(left));
        // A point takes some 100 ms, or 10.
        const double each = set.campaign == "alloc" ? 0.01 : 0.1;
        if (mode != "no-space") plan.points = 1 + static_cast<std::uint64_t>(plan.seconds / each);
      }
      --left;
      TrialResults results = run_trials(plan, images);
      if (results.operations != 0 && results.points == 0 && results.violations.empty()) {
        results.violations.push_back(plan.call + " " + mode + ": no point was tried");
      }
      print_row(plan.call, mode, results);
      for (const auto& [what, count] : results.seen) results.seen_in[mode].insert(what);
      all.add(results);
    }
    // Where only some of the operations above were tried, calls that are known to have each kind.
    for (const std::string& kind : set.kinds) {
      if (!set.only.empty()) break;
      TrialPlan plan;
      plan.campaign = set.campaign;
      plan.call = kind == "remove" ? "delete-backup" : "recover";
      plan.mode = mode + "/" + kind;
      plan.seed = set.seed;
      plan.points = 1;
      TrialResults results = run_trials(plan, images);
      if (mode == "no-space" && results.seen.empty()) continue;
      // RocksDB removes files when it likes, and may have when they were counted: the first of them
      // is there in each run.
      if (results.seen.empty() && results.violations.empty()) {
        plan.only = 0;
        results.add(run_trials(plan, images));
      }
      print_row(plan.call, plan.mode, results);
      for (const auto& [what, count] : results.seen) results.seen_in[mode].insert(what);
      all.add(results);
    }
  }
  TrialResults sum = all;
  sum.violations.clear();
  print_row("all", fmt::format("{} wrong", all.violations.size()), sum);
  return all;
}

TrialSet set_of_environment() {
  TrialSet set;
  const std::string seconds = from_environment("CAVEAT_TORTURE_SECONDS");
  if (!seconds.empty()) set.seconds = std::stod(seconds);
  set.only = from_environment("CAVEAT_TORTURE_CALL");
  set.seed = chosen_seed();
  return set;
}

TrialResults repeat_trial(const std::string& campaign, const fs::path& images) {
  TrialPlan plan;
  plan.campaign = campaign;
  std::istringstream in(from_environment("CAVEAT_TORTURE_REPEAT"));
  std::string point;
  std::getline(in, plan.call, ':');
  std::getline(in, plan.mode, ':');
  std::getline(in, point);
  REQUIRE(find_call(plan.call) != nullptr);
  REQUIRE_FALSE(point.empty());
  plan.only = std::stoull(point);
  const TrialResults results = run_trials(plan, images);
  print_heading();
  print_row(plan.call, plan.mode, results);
  return results;
}

}  // namespace caveat::test
