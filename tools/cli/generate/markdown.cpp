#include <fmt/format.h>

#include "tools/cli/generate/document.h"
#include "tools/cli/generate/manual.h"
#include "tools/cli/help_text.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

// In a cell, a bar ends it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// Lines of prose; of those that begin with what would make a list, none does.
std::string prose(std::string_view text) {
  return wrapped(text, 0, 110);
}

std::string table(const Document& document, std::string_view term, std::string_view meaning) {
  auto out = fmt::format("| {} | {} |\n| --- | --- |\n", term, meaning);
  for (const auto& piece : document) {
    out += fmt::format("| `{}` | {} |\n", cell(piece.text), cell(piece.explanation));
  }
  return out;
}

std::string markdown(const Document& document) {
  std::string out;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const auto& piece = document[i];
    if (piece.kind == Piece::Kind::paragraph) {
      out += prose(piece.text) + "\n";
    } else if (piece.kind == Piece::Kind::code) {
      out += "```\n" + piece.text + "\n```\n\n";
    } else {
      Document entries;
      for (; i < document.size() && document[i].kind == Piece::Kind::entry; ++i) {
        entries.push_back(document[i]);
      }
      --i;
      out += table(entries, "", "") + "\n";
    }
  }
  return out;
}

std::string section(const Command& command) {
  auto out = fmt::format("### caveat {}\n\n", command.name());
  out += prose(command.purpose() + " " + command.details()) + "\n";
  out += "    " + usage_of(command) + "\n\n| option | what it does |\n| --- | --- |\n";
  for (const auto& option : command.options()) {
    out += fmt::format("| `{}` | {} |\n", cell(heading_of(*option)), cell(description_of(*option)));
  }
  return out + "\n    " + command.example() + "\n\n";
}

}  // namespace

std::string markdown_reference(const CommandLine& line) {
  std::string out = "## Filters\n\n" + markdown(filter_document());
  out += "## Exit codes\n\n" + table(exit_code_document(), "code", "meaning");
  out += "\n## Environment\n\n" + table(environment_document(), "variable", "what it does");
  out += "\n## Commands\n\nEach has `-h, --help`, too.\n\n";
  for (const auto& command : line.commands) out += section(*command);
  out.pop_back();
  return out;
}

}  // namespace caveat::cli
