#include <chrono>

#include "caveat/ports.h"

namespace caveat {

namespace {
class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ns() const noexcept override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  }
};
}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

}  // namespace caveat
