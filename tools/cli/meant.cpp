#include "tools/cli/meant.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "tools/cli/nearest.h"

namespace caveat::cli {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// What other stores' tools call it.
constexpr std::array<Pair, 17> kElsewhere = {{
    {"help", "--help"},
    {"version", "--version"},
    {"list", "dump"},
    {"ls", "dump"},
    {"scan", "dump"},
    {"export", "dump"},
    {"load", "import"},
    {"find", "query"},
    {"search", "query"},
    {"select", "query"},
    {"set", "put"},
    {"store", "put"},
    {"delete", "remove"},
    {"rm", "remove"},
    {"check", "verify"},
    {"info", "stats"},
    {"fix", "repair"},
}};
constexpr std::array<Pair, 4> kShort = {
    {{"-v", "--version"}, {"-V", "--version"}, {"-?", "--help"}, {"-H", "--help"}}};

template <std::size_t size>
std::string_view found(const std::array<Pair, size>& pairs, std::string_view word) {
  for (const auto& [given, meant] : pairs) {
    if (given == word) return meant;
  }
  return {};
}

std::string in_lower_case(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::string meant_command(const CommandLine& line, std::string_view word) {
  const auto lower = in_lower_case(word);
  if (const auto meant = found(kElsewhere, lower); !meant.empty()) return std::string(meant);
  std::vector<std::string> names;
  for (const auto& command : line.commands) names.push_back(command->name());
  return nearest(lower, names);
}

std::string meant_instead(const CommandLine& line, std::string_view option) {
  const auto name = std::string(option.substr(0, option.find('=')));
  auto meant = std::string(found(kShort, name));
  if (meant.empty() && name.starts_with("--") && name.size() > 2) {
    meant = nearest(in_lower_case(name), {"--help", "--version", "--generate"});
  }
  if (!meant.empty()) return fmt::format("did you mean {}?", meant);
  for (const auto& command : line.commands) {
    for (const auto& known : command->options()) {
      if (known->positional() || (known->name() != name && known->short_name() != name)) continue;
      return "options of a command stand behind it: caveat COMMAND " + name;
    }
  }
  return "\"caveat --help\" lists them";
}

}  // namespace caveat::cli
