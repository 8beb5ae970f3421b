// Ctrl-C and its relatives, taken by one thread of their own.
//
// A long command asks for a graceful stop: it looks at stop_requested() between steps, ends in
// order and says in a sentence what was done. All others end at once, after what remove_on_signal()
// names was removed, and say that they were interrupted. Exit code: 128 and the signal's number.
#pragma once

#include <filesystem>
#include <optional>

namespace caveat::cli {

// Before any other thread is made: they inherit that the signals are not theirs.
void start_signal_thread();

// While one lives the first signal only asks; the second ends the process at once.
class GracefulStop {
 public:
  enum class Of {
    writing,  // takes the time it needs
    reading,  // may wait for a pipe that nobody reads: ended all the same after two seconds
  };
  explicit GracefulStop(Of of = Of::writing);
  ~GracefulStop();
  GracefulStop(const GracefulStop&) = delete;
  GracefulStop& operator=(const GracefulStop&) = delete;

 private:
  Of of_;
};

[[nodiscard]] bool stop_requested() noexcept;
// True once: who gets it says how the command ended, and nobody else does.
[[nodiscard]] bool take_last_word() noexcept;
// Readable once a stop was requested: for poll().
[[nodiscard]] int stop_descriptor() noexcept;
// 128 + the signal's number, if one came.
[[nodiscard]] std::optional<int> signal_exit_code() noexcept;

// Files and directories to remove when a signal ends the process.
void remove_on_signal(const std::filesystem::path& path);
void keep_on_signal(const std::filesystem::path& path);

// What gives the terminal back before a signal ends the process at once; null: nothing. It may run
// while the main thread does anything.
void call_on_signal(void (*call)()) noexcept;

}  // namespace caveat::cli
