#include "tools/cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace caveat::cli {
namespace {

struct State {
  std::atomic<int> signal{0};
  std::atomic<int> writing{0};
  std::atomic<int> reading{0};
  std::atomic<bool> ended{false};  // somebody has the last word
  std::atomic<void (*)()> call{nullptr};
  int pipe[2] = {-1, -1};
  std::mutex mutex;
  std::vector<std::filesystem::path> to_remove;
};

// Never destroyed: the thread outlives main.
State& state() {
  static auto* instance = new State;
  return *instance;
}

constexpr timespec kPatience = {2, 0};  // with a command that only reads

void say_interrupted() {
  // Over the line that shows progress, where there may be one.
  const std::string_view text =
      ::isatty(STDERR_FILENO) == 1 ? "\r\033[Kcaveat: interrupted\n" : "caveat: interrupted\n";
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) > 0);
}

[[noreturn]] void end_now(int signal) {
  {
    const std::lock_guard lock(state().mutex);
    std::error_code ignored;
    // Twice, as background threads may still have been making files the first time.
    for (int i = 0; i < 2; ++i) {
      for (const auto& path : state().to_remove) std::filesystem::remove_all(path, ignored);
    }
  }
  if (auto* const call = state().call.load()) call();
  if (take_last_word()) {
    say_interrupted();
  } else {
    constexpr timespec kToSayIt = {0, 200'000'000};
    ::nanosleep(&kToSayIt, nullptr);
  }
  ::_exit(128 + signal);
}

void wait_for_signals(sigset_t set) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) continue;
    const bool again = state().signal.exchange(signal) != 0;
    const bool reading = state().reading.load() != 0;
    if (again || (state().writing.load() == 0 && !reading)) end_now(signal);
    const char byte = 0;
    if (::write(state().pipe[1], &byte, 1) < 0) end_now(signal);
    if (!reading) continue;
    static_cast<void>(::sigtimedwait(&set, nullptr, &kPatience));
    end_now(signal);
  }
}

}  // namespace

void start_signal_thread() {
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write()
  if (::pipe(state().pipe) != 0) return;
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread(wait_for_signals, set).detach();
}

GracefulStop::GracefulStop(Of of) : of_(of) {
  (of_ == Of::reading ? state().reading : state().writing).fetch_add(1);
}
GracefulStop::~GracefulStop() {
  (of_ == Of::reading ? state().reading : state().writing).fetch_sub(1);
}

bool stop_requested() noexcept {
  return state().signal.load(std::memory_order_relaxed) != 0;
}
bool take_last_word() noexcept {
  return !state().ended.exchange(true);
}
int stop_descriptor() noexcept {
  return state().pipe[0];
}

std::optional<int> signal_exit_code() noexcept {
  const int signal = state().signal.load();
  if (signal == 0) return std::nullopt;
  return 128 + signal;
}

void remove_on_signal(const std::filesystem::path& path) {
  const std::lock_guard lock(state().mutex);
  state().to_remove.push_back(path);
}

void call_on_signal(void (*call)()) noexcept {
  state().call = call;
}

void keep_on_signal(const std::filesystem::path& path) {
  const std::lock_guard lock(state().mutex);
  std::erase(state().to_remove, path);
}

}  // namespace caveat::cli
