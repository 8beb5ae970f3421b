// Runs the real executable, and what it works on.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace caveat::test {

struct Ran {
  int exit = -1;  // 128 + n after signal n
  std::string out;
  std::string err;
};
[[nodiscard]] Ran run_tool(const std::vector<std::string>& arguments,
                           const std::string& input = "");

// The exit code of a line of sh in which $CAVEAT is the tool.
[[nodiscard]] int run_shell(const std::string& line);

// A tool that goes on while the test does something else. Its input is a pipe.
class RunningTool {
 public:
  explicit RunningTool(const std::vector<std::string>& arguments);
  ~RunningTool();
  RunningTool(const RunningTool&) = delete;
  RunningTool& operator=(const RunningTool&) = delete;

  void feed(const std::string& text);
  void close_input();
  void signal(int number);
  [[nodiscard]] Ran wait();  // leaves the input as it is
  [[nodiscard]] Ran finish() {
    close_input();
    return wait();
  }

 private:
  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t pid_ = -1;
  int input_ = -1;
};

// A directory of the test's own, gone with it.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  [[nodiscard]] std::string path(const std::string& name) const { return (root_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

// Records like those of the data sets: `count` of them, 7 a node, deterministic.
[[nodiscard]] std::string sample_records(std::size_t count);

[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);
[[nodiscard]] std::vector<std::string> sorted_lines(const std::string& text);

}  // namespace caveat::test
