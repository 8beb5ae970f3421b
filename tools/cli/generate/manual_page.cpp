#include <fmt/format.h>

#include <algorithm>

#include "caveat/version.h"
#include "tools/cli/generate/document.h"
#include "tools/cli/generate/manual.h"
#include "tools/cli/help_text.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

constexpr const char* kDate = "2026-11-26";  // when the manual's words were last changed

// Text that a formatter shows as it is.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool at_begin = out.empty() || out.back() == '\n';
    if (at_begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '"') {
      out += "\\(dq";
    } else if (c == '^') {
      out += "\\(ha";
    } else if (c == '~') {
      out += "\\(ti";
    } else {
      out += c;
    }
  }
  return out;
}

// One sentence a line, as such sources are written.
std::string sentences(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto dot = text.find(". ");
    const auto end = dot == std::string_view::npos ? text.size() : dot + 1;
    auto line = wrapped(text.substr(0, end), 0);
    out += plain(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

class Page {
 public:
  explicit Page(std::string_view name, std::string_view purpose) {
    std::string title(name);
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    out_ = fmt::format(
        ".\\\" Made by caveat --generate man.\n.TH {} 1 {} \"caveat {}\" \"User commands\"\n",
        plain(title), kDate, CAVEAT_VERSION_STRING);
    section("NAME");
    out_ += fmt::format("{} \\- {}\n", plain(name), plain(purpose));
  }
  void section(std::string_view name) {
    out_ += fmt::format(".SH {}\n", name);
    fresh_ = true;
  }
  void paragraph(std::string_view text) {
    if (!fresh_) out_ += ".PP\n";
    out_ += sentences(text);
    fresh_ = false;
  }
  void entry(std::string_view term, std::string_view text) {
    out_ += fmt::format(".TP\n.B {}\n{}", plain(term), sentences(text));
    fresh_ = false;
  }
  void code(std::string_view text) {
    out_ += fmt::format("{}.nf\n.RS\n{}\n.RE\n.fi\n", fresh_ ? "" : ".PP\n", plain(text));
    fresh_ = false;
  }
  void document(const Document& document) {
    for (const auto& piece : document) {
      if (piece.kind == Piece::Kind::entry) {
        entry(piece.text, piece.explanation);
      } else if (piece.kind == Piece::Kind::code) {
        code(piece.text);
      } else {
        paragraph(piece.text);
      }
    }
  }
  void references(const std::vector<std::string>& pages) {
    section("SEE ALSO");
    for (std::size_t i = 0; i < pages.size(); ++i) {
      out_ += fmt::format(".BR {} (1){}\n", plain(pages[i]), i + 1 < pages.size() ? "," : "");
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool fresh_ = true;
};

std::string without_stop(std::string_view sentence) {
  if (sentence.ends_with('.')) sentence.remove_suffix(1);
  std::string out(sentence);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
  return out;
}

}  // namespace

std::string manual_page(const CommandLine& line) {
  Page page("caveat", "exceptions to inherited property values");
  page.section("SYNOPSIS");
  page.paragraph("caveat COMMAND [OPTIONS] STORE ...");
  page.section("DESCRIPTION");
  page.paragraph(kPurpose);
  page.section("COMMANDS");
  std::vector<std::string> pages;
  for (const auto& command : line.commands) {
    page.entry(command->name(), command->purpose());
    pages.push_back("caveat-" + command->name());
  }
  page.section("OPTIONS");
  page.entry("-h, --help", "Print help; behind a command, that of the command.");
  page.entry("--version", "Print the version.");
  page.section("FILTERS");
  page.document(filter_document());
  page.section("EXIT STATUS");
  page.document(exit_code_document());
  page.section("ENVIRONMENT");
  page.document(environment_document());
  page.section("EXAMPLES");
  page.code(kExample);
  page.references(pages);
  return page.take();
}

std::string manual_page(const Command& command) {
  Page page("caveat-" + command.name(), without_stop(command.purpose()));
  page.section("SYNOPSIS");
  page.paragraph(usage_of(command));
  page.section("DESCRIPTION");
  page.paragraph(command.purpose() + " " + command.details());
  page.section("OPTIONS");
  bool filters = false;
  for (const auto& option : command.options()) {
    page.entry(heading_of(*option), description_of(*option) + ".");
    filters = filters || option->value_name() == "FILTER";
  }
  page.entry("-h, --help", "Print help.");
  if (filters) {
    page.section("FILTERS");
    page.paragraph("The language of filters is described in caveat(1).");
  }
  page.section("EXIT STATUS");
  page.document(exit_code_document());
  page.section("EXAMPLES");
  page.code(command.example());
  page.references({"caveat"});
  return page.take();
}

}  // namespace caveat::cli
