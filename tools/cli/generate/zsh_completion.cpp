#include <fmt/format.h>

#include "tools/cli/generate/completion.h"
#include "tools/cli/help_text.h"

namespace caveat::cli {
namespace {

// Inside single quotes; `special` get a backslash.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string filler(const Option& option) {
  if (option.takes_file()) return "_files";
  if (option.takes_directory()) return "_files -/";
  // Where an option may stand as well, a message would keep zsh from completing that.
  if (option.suggested().empty()) return option.positional() ? "()" : " ";
  std::string words;
  for (const auto& word : option.suggested()) words += (words.empty() ? "" : " ") + word;
  return "(" + words + ")";
}

std::string entry(const Option& option, const std::string& spelling) {
  const auto help = escaped(description_of(option), "[]:\\");
  // Given once; the other spelling and what it excludes are not offered then.
  auto instead =
      option.short_name().empty() ? option.name() : option.short_name() + " " + option.name();
  if (!option.excluded().empty()) instead += " " + option.excluded();
  const bool is_long = spelling.starts_with("--");
  auto text = fmt::format("'({}){}{}[{}]", instead, spelling,
                          option.flag() ? ""
                          : is_long     ? "="
                                        : "+",
                          help);
  if (!option.flag()) {
    text += fmt::format(":{}:{}", escaped(option.value_name(), ":\\"), filler(option));
  }
  return text + "'";
}

}  // namespace

std::string zsh_completion(const CommandLine& line) {
  std::string out =
      "#compdef caveat\n# Made by caveat --generate zsh.\n\n_caveat() {\n"
      "  local context state line\n  typeset -A opt_args\n  local -a commands\n  commands=(\n";
  std::string cases;
  for (const auto& command : line.commands) {
    out += fmt::format("    '{}:{}'\n", command->name(), escaped(command->purpose(), ":\\"));
    cases += fmt::format("        {})\n          _arguments", command->name());
    const auto add = [&cases](const std::string& text) { cases += " \\\n            " + text; };
    add("'(- *)'{-h,--help}'[Print help]'");
    int place = 0;
    for (const auto& option : command->options()) {
      if (option->positional()) {
        add(fmt::format("'{}{}{}:{}'", ++place, option->is_required() ? ":" : "::",
                        escaped(option->name(), ":\\"), filler(*option)));
        continue;
      }
      if (!option->short_name().empty()) add(entry(*option, option->short_name()));
      add(entry(*option, option->name()));
    }
    cases += "\n          ;;\n";
  }
  return out +
         "  )\n  _arguments -C \\\n    '(- *)'{-h,--help}'[Print help]' \\\n"
         "    '(- *)--version[Print the version]' \\\n    '1:command:->command' \\\n"
         "    '*::argument:->argument'\n  case $state in\n    command)\n"
         "      _describe -t commands 'caveat command' commands\n      ;;\n    argument)\n"
         "      case $words[1] in\n" +
         cases + "      esac\n      ;;\n  esac\n}\n\n_caveat \"$@\"\n";
}

}  // namespace caveat::cli
