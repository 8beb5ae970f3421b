// Ctrl-C and its relatives, taken by one thread of their own.
//
// A command that writes asks for a graceful stop: it looks at stop_requested() between steps and
// ends in order. All others end at once, after what at_exit_on_signal() names was removed.
#pragma once

#include <filesystem>
#include <optional>

namespace caveat::cli {

// Before any other thread is made: they inherit that the signals are not theirs.
void start_signal_thread();

// While one lives the first signal only asks; the second ends the process at once.
class GracefulStop {
 public:
  GracefulStop();
  ~GracefulStop();
  GracefulStop(const GracefulStop&) = delete;
  GracefulStop& operator=(const GracefulStop&) = delete;
};

[[nodiscard]] bool stop_requested() noexcept;
// Readable once a stop was requested: for poll().
[[nodiscard]] int stop_descriptor() noexcept;
// 128 + the signal's number, if one came.
[[nodiscard]] std::optional<int> signal_exit_code() noexcept;

// A directory to remove when a signal ends the process; empty for none.
void remove_on_signal(std::filesystem::path directory);

}  // namespace caveat::cli
