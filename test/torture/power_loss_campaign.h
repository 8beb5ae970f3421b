// Losses of power at operations of a workload, each followed by opening what is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "test/torture/disk_state.h"
#include "test/torture/recovered_store.h"

namespace caveat::test {

struct PowerLossPlan {
  std::uint64_t seed = 0;    // of where, and of what is left
  std::uint64_t points = 0;  // operations, evenly spread; 0: all
  double seconds = 0;        // as many points as fit (spread_points.h), one at least; 0: no end
  // Keeps a trace of each violation there; empty: keeps none.
  std::filesystem::path keep;
  bool stop_at_first = false;
};

struct PowerLossResults {
  std::uint64_t operations = 0;
  std::uint64_t points = 0;
  std::uint64_t cases = 0;  // points, each in four ways
  std::uint64_t same = 0;   // of them with a disk that was looked at already, at the same step
  std::uint64_t twice = 0;  // of them with another loss of power while it was recovered
  std::vector<std::string> violations;
  double seconds = 0;
};

// The workload is run once, and its disk is then made as it was at each point.
[[nodiscard]] PowerLossResults lose_power(const Workload& workload, const PowerLossPlan& plan,
                                          const Planted& planted = {});

// One case again, from what a plan kept.
[[nodiscard]] Violation repeat_power_loss(const std::filesystem::path& kept);

}  // namespace caveat::test
