#include "engine/store/event_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace caveat {

namespace {

// Is a value read as one word, whatever reads it?
bool plain_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

void append_text(std::string_view text, std::string& out) {
  if (plain_word(text)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

struct AppendValue {
  std::string& out;
  void operator()(std::string_view text) const { append_text(text, out); }
  void operator()(bool yes) const { out += yes ? "true" : "false"; }
  template <class Number>
  void operator()(Number number) const {
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
};

}  // namespace

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::debug:
      return "debug";
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "unknown";
}

std::string to_logfmt(const LogEvent& event) {
  std::string line = fmt::format("level={} component={} event={} msg=", to_string(event.severity),
                                 event.component, event.event);
  append_text(event.message, line);
  for (const LogField& field : event.fields) {
    line += ' ';
    line += field.key;
    line += '=';
    std::visit(AppendValue{line}, field.value);
  }
  return line;
}

}  // namespace caveat
