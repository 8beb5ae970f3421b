#include "tools/cli/generate.h"

#include <fmt/format.h>

#include <filesystem>

#include "tools/cli/generate/completion.h"
#include "tools/cli/generate/manual.h"
#include "tools/cli/output.h"

namespace caveat::cli {
namespace {

Result<void> write_file(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return fail(ErrorCode::io_error, path.string() + ": " + error.message());
  CAVEAT_ASSIGN(auto output, Output::open(path.string()));
  CAVEAT_TRY(output.write(text));
  return output.finish();
}

Result<void> write_files(const CommandLine& line, const std::filesystem::path& directory) {
  CAVEAT_TRY(write_file(directory / "man/man1/caveat.1", manual_page(line)));
  for (const auto& command : line.commands) {
    const auto name = "caveat-" + command->name() + ".1";
    CAVEAT_TRY(write_file(directory / "man/man1" / name, manual_page(*command)));
  }
  CAVEAT_TRY(write_file(directory / "bash-completion/completions/caveat", bash_completion(line)));
  CAVEAT_TRY(write_file(directory / "zsh/vendor-completions/_caveat", zsh_completion(line)));
  return write_file(directory / "fish/vendor_completions.d/caveat.fish", fish_completion(line));
}

}  // namespace

Result<std::string> generate(const CommandLine& line, const std::vector<std::string>& words) {
  const std::string kind = words.empty() ? "" : words[0];
  if (words.size() == 2 && kind == "files") {
    CAVEAT_TRY(write_files(line, words[1]));
    return std::string();
  }
  const auto* command = words.size() == 2 ? line.find(words[1]) : nullptr;
  if (kind == "man" && command != nullptr) return manual_page(*command);
  if (words.size() == 1) {
    if (kind == "man") return manual_page(line);
    if (kind == "markdown") return markdown_reference(line);
    if (kind == "bash") return bash_completion(line);
    if (kind == "zsh") return zsh_completion(line);
    if (kind == "fish") return fish_completion(line);
  }
  return fail(ErrorCode::invalid_argument,
              "--generate needs man, man COMMAND, markdown, bash, zsh, fish, or files DIRECTORY");
}

}  // namespace caveat::cli
