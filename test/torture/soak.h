// Mixed load for a long time at a fixed budget, and what the process looks like meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace caveat::test {

struct SoakSample {
  double seconds = 0;  // since the load began
  double resident_mib = 0;
  double open_files = 0;
  double disk_mib = 0;
  double get_p99_us = 0;
  double put_p99_us = 0;
  double put_max_ms = 0;
  double operations = 0;  // a second
};

struct SoakPlan {
  std::filesystem::path directory;
  double seconds = 4;
  std::size_t budget_bytes = std::size_t{64} << 20;
  std::uint64_t records = 20'000;  // there from the start, and replaced again and again
  std::uint64_t seed = 1;
  std::size_t samples = 12;
  std::size_t leaked_bytes_a_write = 0;  // planted
};

// One thread stores and removes, one gets, one queries; one optimizes and compacts now and then;
// one holds a cursor for a sixth of the time, reads it to its end, and begins again. Every answer
// is checked. Throws nothing; a wrong answer or an error is in `wrong`.
struct SoakResults {
  std::vector<SoakSample> samples;
  std::size_t cursors = 0;     // held and read to their end
  std::size_t moved_on = 0;    // of these, while a fold replaced what they show
  double longest_held = 0;     // seconds
  double most_pinned_mib = 0;  // that statistics said are held for a reader: in memory and stored
  std::string wrong;
};
[[nodiscard]] SoakResults soak(const SoakPlan& plan);

// One figure over the run: its mean in the first third (without the first tenth, which warms up)
// and in the last.
struct Trend {
  const char* name = "";
  double first = 0;
  double last = 0;
  double factor_max = 1;  // of last to first
  double slack = 0;       // and so much more is noise
  [[nodiscard]] bool flat() const { return last <= first * factor_max + slack; }
};
[[nodiscard]] std::vector<Trend> trends_of(const std::vector<SoakSample>& samples);

// A table of the samples and a line of bars for each figure.
[[nodiscard]] std::string soak_text(const std::vector<SoakSample>& samples);

}  // namespace caveat::test
