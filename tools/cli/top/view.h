// What `caveat top` shows of a store's figures.
#pragma once

#include <optional>
#include <string>

#include "tools/cli/top/metrics.h"

namespace caveat::cli {

struct Reading {
  Metrics metrics;
  double read_at = 0;  // seconds since the epoch, by our clock
};

// Rates need an earlier reading, of other figures; without one they are left out.
[[nodiscard]] std::string top_view(const std::string& title, const Reading& now,
                                   const std::optional<Reading>& before);

// What somebody should do something about, each in a line.
[[nodiscard]] std::string warnings_of(const Reading& now, const std::optional<Reading>& before);

}  // namespace caveat::cli
