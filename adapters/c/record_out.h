// Records on their way out: views into what the engine pins, with lists laid out as arrays.
#pragma once

#include <memory_resource>
#include <optional>
#include <string>

#include "caveat/c.h"
#include "caveat/exception_view.h"

namespace caveat::c {

// Shows one view at a time. Lists live here; everything else is where the view says.
class RecordOut {
 public:
  // Valid until the next call, and as long as the view's bytes.
  const caveat_record* show(const ExceptionView& view);
  [[nodiscard]] const caveat_record* record() const noexcept { return &record_; }

 private:
  [[nodiscard]] caveat_value value_of(const ValueView& view);

  caveat_record record_{};
  std::pmr::monotonic_buffer_resource lists_;
};

// A record of the caller's, and all that it needs.
struct OwnedRecord : caveat_record {
  RecordOut out;
  std::string bytes;  // of the values and the reason, or they are in:
  std::optional<PinnedException> pin;
};

[[nodiscard]] const caveat_record* own(PinnedException pinned);
[[nodiscard]] const caveat_record* own(const ExceptionKey& key, const Exception& exception);

}  // namespace caveat::c
