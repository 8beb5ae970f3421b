#include "tools/cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace caveat::cli {
namespace {

struct State {
  std::atomic<int> signal{0};
  std::atomic<int> graceful{0};
  int pipe[2] = {-1, -1};
  std::mutex mutex;
  std::filesystem::path scratch;
};

// Never destroyed: the thread outlives main.
State& state() {
  static auto* instance = new State;
  return *instance;
}

[[noreturn]] void end_now(int signal) {
  {
    const std::lock_guard lock(state().mutex);
    std::error_code ignored;
    // Twice, as background threads may still have been making files the first time.
    for (int i = 0; i < 2 && !state().scratch.empty(); ++i) {
      std::filesystem::remove_all(state().scratch, ignored);
    }
  }
  ::_exit(128 + signal);
}

void wait_for_signals(sigset_t set) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&set, &signal) != 0) continue;
    const bool again = state().signal.exchange(signal) != 0;
    if (again || state().graceful.load() == 0) end_now(signal);
    const char byte = 0;
    if (::write(state().pipe[1], &byte, 1) < 0) end_now(signal);
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

GracefulStop::GracefulStop() {
  state().graceful.fetch_add(1);
}
GracefulStop::~GracefulStop() {
  state().graceful.fetch_sub(1);
}

bool stop_requested() noexcept {
  return state().signal.load(std::memory_order_relaxed) != 0;
}
int stop_descriptor() noexcept {
  return state().pipe[0];
}

std::optional<int> signal_exit_code() noexcept {
  const int signal = state().signal.load();
  if (signal == 0) return std::nullopt;
  return 128 + signal;
}

void remove_on_signal(std::filesystem::path directory) {
  const std::lock_guard lock(state().mutex);
  state().scratch = std::move(directory);
}

}  // namespace caveat::cli
