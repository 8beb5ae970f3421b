// Small ports a host may implement: the clock and the progress of long operations.
#pragma once

#include <cstdint>
#include <string_view>

namespace caveat {

// Nanoseconds since the Unix epoch. Called from any thread. Replaced in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t now_ns() const noexcept = 0;  // may step back
};

// The system's clock; lives for ever.
[[nodiscard]] const Clock& system_clock() noexcept;

// How far a long operation is. `total` may be an estimate and may grow; 0 where unknown.
struct Progress {
  std::string_view stage;   // "fold", "rewrite", "train dictionary", "verify primary", ...
  std::uint64_t done = 0;   // of `total`, in the stage's own unit
  std::uint64_t total = 0;  // 0: unknown
};

// Called now and then from the thread that called the operation. Returning false stops it at the
// next step: the call returns `cancelled`, everything committed so far stays, and the store is
// whole. Must not call the store.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  [[nodiscard]] virtual bool on_progress(const Progress& progress) = 0;  // false: stop
};

}  // namespace caveat
