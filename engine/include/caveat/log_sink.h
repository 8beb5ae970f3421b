// What a store tells its operator while it runs: events with a name and fields, for a host's
// logger.
//
// Each event that the store can send is listed in docs/operating.md, with what it means and what to
// do about it. Nothing is sent for a read or a write that went well.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace caveat {

// How much somebody should care.
enum class Severity : std::uint8_t {
  debug,    // a step of maintenance, as it ends; for those who look into a store's habits
  info,     // worth a line in a log: opened, closed, folded
  warning,  // goes on, but somebody should know: writers wait, an index is damaged
  error,    // somebody must act: writes are refused, or data cannot be read
};
// "debug", "info", "warning", "error"
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

// What is behind a key. Units are part of the key: "_bytes", "_seconds".
using LogValue = std::variant<std::string_view, std::uint64_t, std::int64_t, double, bool>;

// A figure or name of an event.
struct LogField {
  std::string_view key;  // lower case, with its unit
  LogValue value;        // text is borrowed
};

// Everything in it is valid during the call alone; a sink that keeps it copies it.
struct LogEvent {
  Severity severity = Severity::info;  // at least the sink's least()
  std::string_view component;  // "store", "writes", "maintenance", "index", "backend", "health"
  std::string_view event;      // a name that stays: "fold_done"
  std::string_view message;    // one sentence for people; not meant to be parsed
  std::span<const LogField> fields;  // its figures; may be empty
};

// Called from any thread of the host or of the store, several at a time, and with locks of the
// store held: it must be quick, must not call the store, and must not throw.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // Asked before an event is put together; what is less severe is not sent.
  [[nodiscard]] virtual Severity least() const noexcept { return Severity::info; }
  virtual void on_event(const LogEvent& event) noexcept = 0;
};

// One line without its end, in logfmt, for hosts that have nothing better:
//   level=warning component=writes event=stall_begin msg="writers wait for folds" waiting_bytes=12
// Values are quoted where they need it, and control characters are escaped, so it stays one line.
[[nodiscard]] std::string to_logfmt(const LogEvent& event);

}  // namespace caveat
