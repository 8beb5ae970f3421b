// What `caveat top` shows of a store's figures.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "tools/cli/top/reading.h"

namespace caveat::cli {

// Rates need an earlier reading, of other figures; without one they are left out. Every number is
// whole, however few the columns are.
[[nodiscard]] std::string top_view(const std::string& title, const Reading& now,
                                   const std::optional<Reading>& before,
                                   std::size_t columns = static_cast<std::size_t>(-1));

// What somebody should do something about, each in a line, or in more where it is wider.
[[nodiscard]] std::string warnings_of(const Reading& now, const std::optional<Reading>& before,
                                      std::size_t columns = static_cast<std::size_t>(-1));

// What of it a screen shows.
struct Page {
  std::string text;      // `rows` lines, none wider than `columns`; the last is the status
  std::size_t from = 0;  // the first line that is shown
  std::size_t last = 0;  // the highest that `from` can be: 0 where all fits
};
// `from` may be too high. Where not all fits, empty lines go first, and the status says what is
// seen of how much. `status`: its parts, of which as many are shown as have room, the last one
// first.
[[nodiscard]] Page page_of(std::string_view text, const std::vector<std::string>& status,
                           std::size_t rows, std::size_t columns, std::size_t from);

}  // namespace caveat::cli
