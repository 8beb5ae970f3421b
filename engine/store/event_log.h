// The store's side of a LogSink: does nothing, and puts nothing together, where nobody listens.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "caveat/error.h"
#include "caveat/log_sink.h"

namespace caveat {

class EventLog {
 public:
  // Null: nobody listens.
  explicit EventLog(LogSink* sink) noexcept : sink_(sink) {}

  // Before work that only an event needs.
  [[nodiscard]] bool wants(Severity severity) const noexcept {
    return sink_ != nullptr && severity >= sink_->least();
  }
  void send(Severity severity, std::string_view component, std::string_view event,
            std::string_view message, std::initializer_list<LogField> fields = {}) const noexcept {
    if (!wants(severity)) return;
    sink_->on_event({severity, component, event, message, {fields.begin(), fields.size()}});
  }
  // The message is the error's; its code goes into the field "code".
  void send(Severity severity, std::string_view component, std::string_view event,
            const StorageError& error) const noexcept {
    send(severity, component, event, error.message(), {{"code", to_string(error.code())}});
  }

 private:
  LogSink* const sink_;
};

// For durations: does not jump when somebody sets the clock.
[[nodiscard]] inline std::int64_t steady_now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
[[nodiscard]] constexpr double seconds_of_ns(std::int64_t ns) noexcept {
  return static_cast<double>(ns) / 1e9;
}

}  // namespace caveat
