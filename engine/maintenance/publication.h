// From committed to visible.
//
// What a step has written to the backend must become what readers see, and for that memory may be
// wanting. Then the change is kept, and made before the mutator does anything else: no step may
// build on a version that is behind the backend. Readers see the version of before meanwhile, which
// is whole.
#pragma once

#include <functional>
#include <utility>

#include "caveat/error.h"

namespace caveat {

struct Core;
struct Version;

class Publication {
 public:
  explicit Publication(Core& core) : core_(core) {}

  // After the write: what it makes of the version, beside a new snapshot of the backend. Made
  // before the write, for it takes memory; may be called again after it threw.
  [[nodiscard]] Result<void> publish(std::function<void(Version&)> change);
  // At the beginning of each step. True: there was something to show.
  [[nodiscard]] Result<bool> settle() {
    if (!waiting_) return false;
    CAVEAT_TRY(publish(std::exchange(waiting_, nullptr)));
    return true;
  }

 private:
  Core& core_;
  std::function<void(Version&)> waiting_;  // written, and not published yet
};

}  // namespace caveat
