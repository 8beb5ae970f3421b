#include "tools/cli/empty_values.h"

#include <algorithm>
#include <string_view>

namespace caveat::cli {
namespace {

bool may_be_empty(const CLI::Option& option) {
  return option.get_name() == "--reason";
}

// "--name=", the name in lower case letters and dashes.
bool lacks_value(std::string_view word) {
  if (word.size() < 4 || word.substr(0, 2) != "--" || word.back() != '=') return false;
  const auto name = word.substr(2, word.size() - 3);
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace

std::vector<std::string> command_line(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    options = options && word != "--";
    const bool split = options && lacks_value(word);
    if (split) word.pop_back();
    words.push_back(std::move(word));
    if (split) words.emplace_back();
  }
  return words;
}

Result<void> refuse_empty_values(const CLI::App& app) {
  for (const auto* command : app.get_subcommands()) {
    for (const auto* option : command->get_options()) {
      const auto& values = option->results();
      // A flag's value is not typed, and is not empty.
      if (may_be_empty(*option) || std::find(values.begin(), values.end(), "") == values.end()) {
        continue;
      }
      return fail(ErrorCode::invalid_argument, option->get_name() + ": the value is empty");
    }
  }
  return {};
}

}  // namespace caveat::cli
