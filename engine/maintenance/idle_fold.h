// When a delta that nobody adds to is folded though it is not full.
//
// Clears give their space back only once they are folded, and a host may clear and then do nothing
// for days. Other rows lose nothing by waiting, but for the time that opening after a crash takes.
// A trickle of writes must not have a few rows folded again and again: hence a pause between two
// such folds, longer than either wait for clears.
#pragma once

#include <chrono>
#include <optional>

#include "engine/store/version.h"

namespace caveat {

struct IdleFoldTimes {
  using Duration = std::chrono::steady_clock::duration;
  Duration quiet_with_clears = std::chrono::seconds(2);  // without a write, with clears waiting
  Duration clears_at_most = std::chrono::seconds(60);    // with clears waiting, quiet or not
  Duration quiet_with_rows = std::chrono::minutes(5);    // without a write, with rows only
  Duration between = std::chrono::seconds(60);           // two folds for one of these reasons
};

// Looked at now and then by one thread.
class IdleFold {
 public:
  using Clock = std::chrono::steady_clock;

  // A volatile store gains nothing by a fold of rows: nobody opens it again.
  IdleFold(bool persistent, const IdleFoldTimes& times) : persistent_(persistent), times_(times) {}

  // When `active`, the generation that takes writes, is to be sealed if nothing is written until
  // then; nothing while there is no need to.
  [[nodiscard]] std::optional<Clock::time_point> due(const Generation& active,
                                                     Clock::time_point now);
  void folded(Clock::time_point now) { last_ = now; }

  void set_times(const IdleFoldTimes& times) { times_ = times; }

 private:
  const bool persistent_;
  IdleFoldTimes times_;
  Sequence seen_ = 0;  // the newest of the delta, when it was last looked at
  Clock::time_point quiet_since_;
  std::optional<Clock::time_point> clears_since_;
  std::optional<Clock::time_point> last_;
};

}  // namespace caveat
