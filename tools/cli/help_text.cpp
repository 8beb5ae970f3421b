#include "tools/cli/help_text.h"

#include <fmt/format.h>

#include "tools/cli/generate/document.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kTextColumn = 26;

void append_entry(const std::string& name, const std::string& text, std::string& out) {
  out += "  " + name;
  const auto used = 2 + name.size();
  const auto lines = wrapped(text, kTextColumn);
  if (used + 2 > kTextColumn) {
    out += '\n' + lines;
  } else {
    out += std::string(kTextColumn - used, ' ') + lines.substr(kTextColumn);
  }
}

void append_options(const Command& command, bool positional, std::string& out) {
  for (const auto& option : command.options()) {
    if (option->positional() != positional) continue;
    append_entry(heading_of(*option), description_of(*option), out);
  }
}

}  // namespace

std::string heading_of(const Option& option) {
  if (option.positional()) return option.name();
  auto text =
      option.short_name().empty() ? option.name() : option.short_name() + ", " + option.name();
  if (!option.flag()) text += ' ' + option.value_name();
  return text;
}

std::string description_of(const Option& option) {
  auto text = option.help();
  if (!option.excluded().empty()) text += "; not with " + option.excluded();
  return text;
}

std::string usage_of(const Command& command) {
  auto text = "caveat " + command.name() + " [OPTIONS]";
  for (const auto& option : command.options()) {
    if (!option->positional()) continue;
    text += option->is_required() ? ' ' + option->name() : " [" + option->name() + ']';
  }
  return text;
}

std::string help_text(const CommandLine& line) {
  auto out = wrapped(kPurpose, 0) + "\nUsage: caveat COMMAND [OPTIONS] STORE ...\n\nCommands:\n";
  for (const auto& command : line.commands) append_entry(command->name(), command->purpose(), out);
  out += "\nOptions:\n";
  append_entry("-h, --help", "Print this, or what COMMAND --help says of a command", out);
  append_entry("--version", "Print the version", out);
  out += "\nExit codes:\n";
  for (const auto& [code, meaning] : exit_codes()) append_entry(code, meaning, out);
  out += "\nEnvironment:\n";
  for (const auto& variable : environment_document()) {
    append_entry(variable.text, variable.explanation, out);
  }
  return out + "\nExample: " + kExample + "\n";
}

std::string help_text(const Command& command) {
  auto out = wrapped(command.purpose() + " " + command.details(), 0);
  out += "\nUsage: " + usage_of(command) + "\n\nArguments:\n";
  append_options(command, true, out);
  out += "\nOptions:\n";
  append_options(command, false, out);
  append_entry("-h, --help", "Print this", out);
  return out + "\nExit codes: as \"caveat --help\" lists them\n\nExample: " + command.example() +
         "\n";
}

}  // namespace caveat::cli
