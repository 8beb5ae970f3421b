#include "test/cli/tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace caveat::test {
namespace {

std::filesystem::path temporary_file() {
  auto name = (std::filesystem::temp_directory_path() / "caveat-test-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) throw std::runtime_error("mkstemp");
  ::close(descriptor);
  return name;
}

// In the child: never returns.
[[noreturn]] void become_tool(const std::vector<std::string>& arguments, int input,
                              const std::string& out, const std::string& err) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_TRUNC), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_TRUNC), STDERR_FILENO);
  std::vector<char*> argv;
  std::string program = CAVEAT_TOOL;
  argv.push_back(program.data());
  auto copies = arguments;
  for (auto& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(CAVEAT_TOOL, argv.data());
  ::_exit(127);
}

}  // namespace

int run_shell(const std::string& line) {
  ::setenv("CAVEAT", CAVEAT_TOOL, 1);
  const int status = std::system(line.c_str());
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

RunningTool::RunningTool(const std::vector<std::string>& arguments)
    : out_(temporary_file()), err_(temporary_file()) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  ::signal(SIGPIPE, SIG_IGN);  // a tool that ended early is seen by its exit code
  pid_ = ::fork();
  if (pid_ == 0) become_tool(arguments, ends[0], out_.string(), err_.string());
  ::close(ends[0]);
  input_ = ends[1];
}

RunningTool::~RunningTool() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_input();
  std::filesystem::remove(out_);
  std::filesystem::remove(err_);
}

void RunningTool::feed(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::write(input_, text.data() + done, text.size() - done);
    if (count < 0) return;
    done += static_cast<std::size_t>(count);
  }
}

void RunningTool::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

void RunningTool::signal(int number) {
  ::kill(pid_, number);
}

Ran RunningTool::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  Ran ran;
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.out = read_file(out_);
  ran.err = read_file(err_);
  return ran;
}

Ran run_tool(const std::vector<std::string>& arguments, const std::string& input) {
  RunningTool tool(arguments);
  tool.feed(input);
  return tool.finish();
}

TestDirectory::TestDirectory() {
  auto name = (std::filesystem::temp_directory_path() / "caveat-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  root_ = name;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string sample_records(std::size_t count) {
  constexpr const char* kSources[] = {"Explicit", "Detected", "Promoted", "Conflict", "Imported"};
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const auto node = 1 + i / 7;
    text += fmt::format(
        R"({{"node":{},"property":"group{}/item{}","inherited":"value {}","actual":{},)"
        R"("reason":"node {} overrides its parent","source":"{}","created_at":)"
        R"("2022-{:02}-{:02}T{:02}:00:00Z","confidence":0.{:03}}})"
        "\n",
        node, i % 7, node % 5, i % 11, i % 3 == 0 ? "true" : fmt::format("[{},\"é{}\",0.5]", i, i),
        node, kSources[i % 5], 1 + i % 12, 1 + i % 28, i % 24, 1 + (i % 999) / 10 * 10);
  }
  return text;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace caveat::test
