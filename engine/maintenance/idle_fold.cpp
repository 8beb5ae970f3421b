#include "engine/maintenance/idle_fold.h"

#include <algorithm>

namespace caveat {

std::optional<IdleFold::Clock::time_point> IdleFold::due(const Generation& active,
                                                         Clock::time_point now) {
  if (active.empty()) {
    clears_since_.reset();
    return std::nullopt;
  }
  const Sequence newest = active.last_sequence();
  if (newest != seen_) {
    seen_ = newest;
    quiet_since_ = now;
  }
  const bool clears = active.has_clears();
  if (!clears) clears_since_.reset();
  if (clears && !clears_since_) clears_since_ = now;
  if (!clears && !persistent_) return std::nullopt;
  auto at = quiet_since_ + (clears ? times_.quiet_with_clears : times_.quiet_with_rows);
  if (clears) at = std::min(at, *clears_since_ + times_.clears_at_most);
  if (last_) at = std::max(at, *last_ + times_.between);
  return at;
}

}  // namespace caveat
