#include <fmt/format.h>

#include "tools/cli/generate/completion.h"
#include "tools/cli/help_text.h"

namespace caveat::cli {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string entry(const Command& command, const Option& option) {
  auto text = fmt::format("complete -c caveat -n '__fish_seen_subcommand_from {}'", command.name());
  if (option.positional()) {
    if (option.takes_file()) return text + " -F\n";
    if (option.takes_directory()) return text + " -a '(__fish_complete_directories)'\n";
    return "";
  }
  if (!option.short_name().empty()) text += " -s " + option.short_name().substr(1);
  text += " -l " + option.name().substr(2);
  if (!option.flag()) {
    text += option.takes_file() ? " -r -F" : " -x";
    std::string words;
    for (const auto& word : option.suggested()) words += (words.empty() ? "" : " ") + word;
    if (!words.empty()) text += " -a " + quoted(words);
  }
  return text + " -d " + quoted(description_of(option)) + "\n";
}

}  // namespace

std::string fish_completion(const CommandLine& line) {
  std::string out =
      "# fish completion for caveat. Made by caveat --generate fish.\n\ncomplete -c caveat -f\n"
      "complete -c caveat -s h -l help -d 'Print help'\n"
      "complete -c caveat -n __fish_use_subcommand -l version -d 'Print the version'\n";
  for (const auto& command : line.commands) {
    out += fmt::format("complete -c caveat -n __fish_use_subcommand -a {} -d {}\n", command->name(),
                       quoted(command->purpose()));
  }
  for (const auto& command : line.commands) {
    for (const auto& option : command->options()) out += entry(*command, *option);
  }
  return out;
}

}  // namespace caveat::cli
