#include "tools/cli/terminal.h"

#include <fmt/format.h>
#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

#include "tools/cli/json_text.h"
#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

// Bytes of the character that the text begins with; 0 where it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return length <= text.size() && is_utf8(text.substr(0, length)) ? length : 0;
}

char32_t code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  char32_t value = first & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) {
    value = value << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  }
  return value;
}

// What changes how other text is shown, or hides: marks of direction, line separators, spaces
// without width, tags. Joiners stay, which scripts and emoji need.
bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || c == 0x200B || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

void append_cell(const std::string& cell, std::size_t columns, bool left, std::string& out) {
  const std::string space(columns - std::min(columns, display_width(cell)), ' ');
  out += left ? cell + space : space + cell;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural) {
  std::string text = grouped(number) + " ";
  if (number == 1 || plural.empty()) text += singular;
  if (number == 1) return text;
  return plural.empty() ? text + "s" : text.append(plural);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 10'000) return fmt::format("{} B", grouped(bytes));
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(double ns) {
  if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
  if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.1f} ms", ns / 1e6);
  if (ns < 60e9) return fmt::format("{:.2f} s", ns / 1e9);
  const auto seconds = static_cast<std::uint64_t>(ns / 1e9);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const auto second = static_cast<unsigned char>(text.size() > 1 ? text[1] : 0);
    // C0, DEL, and C1, which UTF-8 writes as 0xC2 0x80 to 0xC2 0x9F.
    const bool control =
        (length == 1 && (first < 0x20 || first == 0x7F)) || (first == 0xC2 && second < 0xA0);
    const auto character = length > 1 && !control ? code_point(text.substr(0, length)) : 0;
    if (is_invisible(character)) {
      out += character <= 0xFFFF ? fmt::format("\\u{:04x}", character)
                                 : fmt::format("\\U{:08x}", character);
      text.remove_prefix(length);
      continue;
    }
    if (length == 0 || control) {
      const std::size_t bytes = length == 0 ? 1 : length;
      for (std::size_t i = 0; i < bytes; ++i) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      }
      text.remove_prefix(bytes);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  // The C library's table, whatever the locale of the process.
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  std::size_t columns = 0;
  const auto before = utf8 != nullptr ? ::uselocale(utf8) : nullptr;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text));
    if (length == 1 || utf8 == nullptr) {
      ++columns;
    } else {
      wchar_t character = 0;
      std::mbstate_t state{};
      const auto read = std::mbrtowc(&character, text.data(), length, &state);
      const int wide = read == length ? ::wcwidth(character) : 1;
      columns += static_cast<std::size_t>(wide < 0 ? 1 : wide);
    }
    text.remove_prefix(length);
  }
  if (before != nullptr) ::uselocale(before);
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t kept = 0;  // bytes of `out` that leave room for the mark
  std::size_t width = 0;
  bool styled = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    const bool code = text.substr(at).starts_with("\033[");
    if (code) {
      end = std::min(text.find('m', at), text.size() - 1) + 1;
      styled = true;
    } else {
      while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
      width += display_width(text.substr(at, end - at));
    }
    out += text.substr(at, end - at);
    if (width + 1 <= columns) kept = out.size();
    if (width > columns)
      return out.substr(0, kept) + (columns > 0 ? "…" : "") + (styled ? "\033[0m" : "");
    at = end;
  }
  return out;
}

std::string cut_in_the_middle(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  const auto begins = [&](std::size_t at) { return (text[at] & 0xC0) != 0x80; };
  std::size_t left = columns * 2 / 5;
  std::size_t right = columns - left - 1;
  std::size_t head = 0;  // bytes
  for (;;) {
    std::size_t end = head + 1;
    while (end < text.size() && !begins(end)) ++end;
    const auto width = display_width(text.substr(head, end - head));
    if (width > left) break;
    left -= width;
    head = end;
  }
  std::size_t tail = text.size();
  for (;;) {
    std::size_t begin = tail - 1;
    while (begin > head && !begins(begin)) --begin;
    const auto width = display_width(text.substr(begin, tail - begin));
    if (width > right) break;
    right -= width;
    tail = begin;
  }
  return std::string(text.substr(0, head)) + "…" + std::string(text.substr(tail));
}

bool is_terminal(std::FILE* file) {
  return ::isatty(::fileno(file)) == 1;
}

Style::Style(std::FILE* file) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  coloured_ = is_terminal(file) && (no_color == nullptr || *no_color == '\0') &&
              (kind == nullptr || std::string_view(kind) != "dumb");
}

std::string Style::wrap(std::string_view code, std::string_view text) const {
  return coloured_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

std::string heading(std::string_view text) {
  return Style(stdout).heading(text) + "\n";
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out;
  std::string line(indent, ' ');
  std::size_t width = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const std::size_t wide = display_width(word);
    if (width > indent && width + 1 + wide > columns) {
      out += line + '\n';
      line.assign(indent, ' ');
      width = indent;
    }
    if (width > indent) {
      line += ' ';
      ++width;
    }
    line += word;
    width += wide;
  }
  return out + line + '\n';
}

namespace {

// Names and values that have no room side by side.
std::string below(std::string_view name, std::string_view value, std::size_t columns) {
  return wrapped(name, 2, columns) + wrapped(value, 4, columns);
}

}  // namespace

std::string Table::narrow_text(std::size_t columns) const {
  std::string out;
  for (const auto& row : rows_) {
    out += wrapped(row[0], 2, columns);
    std::string line;  // whole cells
    for (std::size_t i = 1; i < row.size(); ++i) {
      const auto cell = header_[i] + " " + row[i];
      if (!line.empty() && 4 + display_width(line) + 2 + display_width(cell) > columns) {
        out += "    " + line + ",\n";
        line.clear();
      }
      line += (line.empty() ? "" : ", ") + cell;
    }
    out += wrapped(line, 4, columns);
  }
  return out;
}

std::string Table::text(const std::vector<std::size_t>& left, std::size_t columns) const {
  std::vector<std::size_t> widths(header_.size());
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  };
  measure(header_);
  for (const auto& row : rows_) measure(row);
  std::size_t width = 0;
  for (const auto of_column : widths) width += 2 + of_column;
  if (width > columns) return narrow_text(columns);

  std::string out;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool to_left = i == 0 || std::find(left.begin(), left.end(), i) != left.end();
      line += "  ";
      append_cell(row[i], widths[i], to_left, line);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append(header_);
  for (const auto& row : rows_) append(row);
  return out;
}

std::string fields_text(const std::vector<std::pair<std::string, std::string>>& fields,
                        std::size_t columns) {
  std::size_t widest = 0;
  std::size_t widest_value = 0;
  for (const auto& [name, value] : fields) {
    widest = std::max(widest, display_width(name));
    widest_value = std::max(widest_value, display_width(value));
  }
  std::string out;
  if (4 + widest + widest_value > columns) {
    for (const auto& [name, value] : fields) out += below(name, value, columns);
    return out;
  }
  for (const auto& [name, value] : fields) {
    out += "  ";
    append_cell(name, widest, true, out);
    out += "  " + value + "\n";
  }
  return out;
}

std::string progress_text(std::string_view label, double fraction, std::uint64_t items,
                          double seconds) {
  constexpr int kBarWidth = 24;
  std::string text(label);
  if (fraction > 0) {
    fraction = std::min(fraction, 1.0);
    const int filled = static_cast<int>(fraction * kBarWidth);
    text +=
        fmt::format(" [{}{}] {:5.1f}%", std::string(static_cast<std::size_t>(filled), '#'),
                    std::string(static_cast<std::size_t>(kBarWidth - filled), '.'), fraction * 100);
  }
  text += fmt::format("  {}", grouped(items));
  if (seconds > 0.2) {
    text += fmt::format("  {}/s",
                        grouped(static_cast<std::uint64_t>(static_cast<double>(items) / seconds)));
    if (fraction > 0) {
      const auto left = static_cast<std::uint64_t>(seconds * (1 - fraction) / fraction);
      text += fmt::format("  ETA {}:{:02}", left / 60, left % 60);
    }
  }
  return text;
}

void tell_user(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

ProgressLine::ProgressLine() : on_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(std::string_view label, double done, double total, std::uint64_t items) {
  const auto now = Clock::now();
  if (!on_terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  // Back to the line's begin, and erase to its end.
  tell_user(fmt::format("\r{}\033[K",
                        progress_text(label, total > 0 ? done / total : 0, items, seconds)));
}

void ProgressLine::clear() {
  if (!drawn_) return;
  tell_user("\r\033[K");
  drawn_ = false;
}

bool ProgressReporter::on_progress(const Progress& progress) {
  line_.update(progress.stage, static_cast<double>(progress.done),
               static_cast<double>(progress.total), progress.done);
  return !stop_requested();
}

}  // namespace caveat::cli
