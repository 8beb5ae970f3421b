// Child processes: this executable again, running one hidden test case on a given directory.
//
// Always exec, never only fork: the threads of the store do not survive a fork.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

extern char** environ;  // NOLINT: POSIX's

namespace caveat::test {

// Its parent says where. Whoever runs hidden cases by accident (a filter of exclusions alone takes
// them in) would otherwise write to the working directory, some of them for ever.
inline std::filesystem::path child_directory() {
  const char* path = std::getenv("CAVEAT_TEST_CHILD_DIRECTORY");
  if (path == nullptr) FAIL("this case is run by another one, in a process of its own");
  return path;
}

// For the child: tells its parent. A pipe keeps what a killed child has written.
inline void say(const std::string& line) {
  const std::string text = line + "\n";
  static_cast<void>(!::write(1, text.data(), text.size()));
}

class ChildProcess {
 public:
  ChildProcess(const std::string& test_case, const std::filesystem::path& directory) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    output_ = ::fdopen(ends[0], "r");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::setenv("CAVEAT_TEST_CHILD_DIRECTORY", directory.c_str(), 1);
    std::string program = "/proc/self/exe", name = test_case;
    char* arguments[] = {program.data(), name.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ) == 0);
    ::unsetenv("CAVEAT_TEST_CHILD_DIRECTORY");
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  ~ChildProcess() {
    if (pid_ > 0) kill();
    std::fclose(output_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // The next line that it said (not what Catch prints); empty at the end.
  std::string next_line() {
    std::string line;
    char text[256];
    while (std::fgets(text, sizeof text, output_) != nullptr) {
      line += text;
      if (line.back() != '\n') continue;  // longer, or cut off by the kill: was never said
      line.pop_back();
      if (!line.empty() && line.rfind("Filters:", 0) != 0) return line;
      line.clear();
    }
    return {};
  }
  // Waits for a line that says so; false if the child ended first.
  bool wait_for(std::string_view line) {
    for (std::string said = next_line(); !said.empty(); said = next_line()) {
      if (said == line) return true;
    }
    return false;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  // Until it ends by itself; the status of waitpid.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  std::FILE* output_ = nullptr;
};

}  // namespace caveat::test
