#include <fmt/format.h>

#include "tools/cli/generate/completion.h"

namespace caveat::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> spellings(const Option& option) {
  if (option.short_name().empty()) return {option.name()};
  return {option.short_name(), option.name()};
}

// What to do where the value of an option, or an argument, is to be completed.
std::string filler(const Option& option) {
  if (option.takes_file()) return "_caveat_files";
  if (option.takes_directory()) return "_caveat_directories";
  if (!option.suggested().empty()) return "_caveat_words \"" + joined(option.suggested()) + "\"";
  return ":";
}

constexpr const char* kBegin = R"(# bash completion for caveat. Made by caveat --generate bash.

_caveat_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_caveat_files() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$cur"))
}
_caveat_directories() {
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -d -- "$cur"))
}

# The option whose value is at the cursor, else nothing.
_caveat_takes_value() {
  case "$1 $2" in
)";

constexpr const char* kMiddle = R"(      return 0 ;;
  esac
  return 1
}

_caveat() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $cur == "=" ]]; then
    cur=
  elif [[ $prev == "=" ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  if ((COMP_CWORD == 1)); then
)";

constexpr const char* kPlaces = R"(  esac
  # Which argument it is: what came before, without options and their values.
  local place=0 i
  for ((i = 2; i < COMP_CWORD; ++i)); do
    if _caveat_takes_value "$command" "${COMP_WORDS[i]}"; then
      [[ ${COMP_WORDS[i+1]} == "=" ]] && ((++i))
      ((++i))
    elif [[ ${COMP_WORDS[i]} != -* ]]; then
      ((++place))
    fi
  done
  case "$command $place" in
)";

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::string out = kBegin;
  std::string takes_value;
  std::string values;
  std::string options;
  std::string places;
  std::vector<std::string> names;
  for (const auto& command : line.commands) {
    names.push_back(command->name());
    std::vector<std::string> all;
    int place = 0;
    for (const auto& option : command->options()) {
      if (option->positional()) {
        places += fmt::format("    \"{} {}\") {} ;;\n", command->name(), place++, filler(*option));
        continue;
      }
      for (const auto& spelling : spellings(*option)) {
        all.push_back(spelling);
        if (option->flag()) continue;
        const auto pattern = fmt::format("\"{} {}\"", command->name(), spelling);
        takes_value += fmt::format("{}    {}", takes_value.empty() ? "" : " |\\\n", pattern);
        values += fmt::format("    {}) {}; return ;;\n", pattern, filler(*option));
      }
    }
    all.insert(all.end(), {"-h", "--help"});
    options += fmt::format("    \"{} -\"*) _caveat_words \"{}\"; return ;;\n", command->name(),
                           joined(all));
  }
  names.insert(names.end(), {"--help", "--version"});
  out += takes_value + ")\n" + kMiddle;
  out += fmt::format("    _caveat_words \"{}\"\n    return\n  fi\n  case \"$command $prev\" in\n",
                     joined(names));
  out += values + "  esac\n  case \"$command $cur\" in\n" + options + kPlaces + places;
  return out + "  esac\n}\n\ncomplete -F _caveat caveat\n";
}

}  // namespace caveat::cli
