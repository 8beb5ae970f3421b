#include "tools/cli/parse.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

#include "tools/cli/nearest.h"

namespace caveat::cli {
namespace {

// "--name=", the name in lower case letters and dashes.
bool lacks_value(std::string_view word) {
  if (word.size() < 4 || word.substr(0, 2) != "--" || word.back() != '=') return false;
  const auto name = word.substr(2, word.size() - 3);
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

struct Adder {
  CLI::App& app;
  const Option& option;
  CLI::Option* operator()(bool* flag) const { return app.add_flag(option.names(), *flag); }
  CLI::Option* operator()(std::string* text) const { return app.add_option(option.names(), *text); }
  CLI::Option* operator()(std::size_t* number) const {
    return app.add_option(option.names(), *number);
  }
  CLI::Option* operator()(const Option::Taker& take) const {
    return app.add_option_function<std::string>(option.names(), take);
  }
};

using Added = std::map<std::string, std::pair<const Option*, CLI::Option*>>;

Added add_options(const Command& command, CLI::App& app) {
  Added added;
  for (const auto& option : command.options()) {
    auto* made = std::visit(Adder{app, *option}, option->target());
    made->required(option->is_required());
    if (!option->allowed().empty()) made->check(CLI::IsMember(option->allowed()));
    if (option->limits())
      made->check(CLI::Range(option->limits()->first, option->limits()->second));
    added[option->name()] = {option.get(), made};
  }
  for (const auto& [name, both] : added) {
    const auto& other = both.first->excluded();
    if (!other.empty()) both.second->excludes(added.at(other).second);
  }
  return added;
}

Result<void> refuse_empty_values(const Added& added) {
  for (const auto& [name, both] : added) {
    const auto& values = both.second->results();
    // A flag's value is not typed, and is not empty.
    if (both.first->is_empty_allowed() ||
        std::find(values.begin(), values.end(), "") == values.end()) {
      continue;
    }
    return fail(ErrorCode::invalid_argument, name + ": the value is empty");
  }
  return {};
}

// Behind the sentence about words that nothing takes.
std::string meant_option(const Command& command, const std::vector<std::string>& words) {
  std::vector<std::string> names = {"--help"};
  for (const auto& option : command.options()) {
    if (!option->positional()) names.push_back(option->name());
  }
  for (const auto& word : words) {
    if (word == "--") break;
    const auto name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || std::find(names.begin(), names.end(), name) != names.end()) {
      continue;
    }
    const auto meant = nearest(name, names);
    return meant.empty() ? "; \"caveat " + command.name() + " --help\" lists the options"
                         : "; did you mean " + meant + "?";
  }
  return "";
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

Result<Parsed> parse(const CommandLine& line, std::vector<std::string> words) {
  Parsed parsed;
  parsed.command = words.empty() ? nullptr : line.find(words[0]);
  if (parsed.command == nullptr) return fail(ErrorCode::invalid_argument, "no such command");
  CLI::App app("", "caveat");
  auto* command = app.add_subcommand(parsed.command->name());
  const auto added = add_options(*parsed.command, *command);
  const auto given = words;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    parsed.help = true;
    return parsed;
  } catch (const CLI::ExtrasError& extra) {
    return fail(ErrorCode::invalid_argument, extra.what() + meant_option(*parsed.command, given));
  } catch (const CLI::ParseError& signal) {
    return fail(ErrorCode::invalid_argument, signal.what());
  }
  CAVEAT_TRY(refuse_empty_values(added));
  parsed.command->choose();
  return parsed;
}

}  // namespace caveat::cli
