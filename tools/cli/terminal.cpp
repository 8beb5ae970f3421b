#include "tools/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "tools/cli/json_text.h"
#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

// Characters on the screen: bytes that begin one. Wide characters count as one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Bytes of the character that the text begins with; 0 where it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return length <= text.size() && is_utf8(text.substr(0, length)) ? length : 0;
}

void append_cell(const std::string& cell, std::size_t columns, bool left, std::string& out) {
  const std::string space(columns - std::min(columns, width(cell)), ' ');
  out += left ? cell + space : space + cell;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
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

std::string heading(std::string_view text) {
  static const bool colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return colour ? fmt::format("\033[1m{}\033[0m\n", text) : fmt::format("{}\n", text);
}

std::string Table::text(const std::vector<std::size_t>& left) const {
  std::vector<std::size_t> widths(header_.size());
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  };
  measure(header_);
  for (const auto& row : rows_) measure(row);

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

std::string fields_text(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t widest = 0;
  for (const auto& [name, value] : fields) widest = std::max(widest, width(name));
  std::string out;
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

ProgressLine::ProgressLine() : on_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(std::string_view label, double done, double total, std::uint64_t items) {
  const auto now = Clock::now();
  if (!on_terminal_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  // Back to the line's begin, and erase to its end.
  fmt::print(stderr, "\r{}\033[K",
             progress_text(label, total > 0 ? done / total : 0, items, seconds));
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

bool ProgressReporter::on_progress(const Progress& progress) {
  line_.update(progress.stage, static_cast<double>(progress.done),
               static_cast<double>(progress.total), progress.done);
  return !stop_requested();
}

}  // namespace caveat::cli
