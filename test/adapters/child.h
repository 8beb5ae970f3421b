// Child processes: this executable again, running one hidden test case on a given directory.
//
// Always exec, never only fork: RocksDB's threads do not survive a fork.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "test/adapters/harness.h"

extern char** environ;  // NOLINT: POSIX's

namespace caveat::test {

inline std::filesystem::path child_directory() {
  const char* path = std::getenv("CAVEAT_TEST_CHILD_DIRECTORY");
  return path == nullptr ? "" : path;
}

class Child {
 public:
  // Its standard output can be read line by line.
  Child(const std::string& test_case, const std::filesystem::path& directory) {
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
  ~Child() {
    if (pid_ > 0) kill();
    ::fclose(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // Waits for a line that says so; false if the child ended first.
  bool wait_for(std::string_view line) {
    char text[256];
    while (std::fgets(text, sizeof text, output_) != nullptr) {
      std::string_view got(text);
      if (!got.empty() && got.back() == '\n') got.remove_suffix(1);
      if (got == line) return true;
    }
    return false;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
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

// For the child: tells its parent.
inline void say(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  static_cast<void>(!::write(1, text.data(), text.size()));
}

}  // namespace caveat::test
