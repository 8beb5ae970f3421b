// What a person sees: grouped numbers, aligned tables, a line that moves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/ports.h"

namespace caveat::cli {

// 469,763
[[nodiscard]] std::string grouped(std::uint64_t number);
// "1 partition", "469,763 partitions"; `plural`: where it is not made by an s.
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view singular,
                                  std::string_view plural = {});
// "6.8 MB"; exact below 10,000 bytes.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
// "412 ns", "1.3 us", "0.52 s", "3:07"
[[nodiscard]] std::string human_duration(double nanoseconds);

// For people's eyes: control characters and bytes that are no UTF-8 as \xNN, and what turns the
// direction of text or cannot be seen as \uNNNN, so that no name or message can steer the terminal
// or look like another.
[[nodiscard]] std::string printable(std::string_view text);

// Columns that the text takes on the screen: none for what combines with the character before, two
// for wide ones.
[[nodiscard]] std::size_t display_width(std::string_view text);

// The text, cut where it is wider than so many columns, which "…" shows. What Style has put around
// it takes no room, and does not outlast it.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);

// The text, with "…" in place of its middle where it is wider than so many columns; of both ends
// more is left of the second.
[[nodiscard]] std::string cut_in_the_middle(std::string_view text, std::size_t columns);

[[nodiscard]] bool is_terminal(std::FILE* file);

// On standard error. Where that cannot be written there is nobody to be told.
void tell_user(std::string_view text) noexcept;

// Colour, modest: only on a terminal that has it, and not where NO_COLOR is set and not empty.
class Style {
 public:
  explicit Style(std::FILE* file);
  [[nodiscard]] std::string heading(std::string_view text) const { return wrap("1", text); }
  [[nodiscard]] std::string error(std::string_view text) const { return wrap("1;31", text); }
  [[nodiscard]] std::string added(std::string_view text) const { return wrap("32", text); }
  [[nodiscard]] std::string removed(std::string_view text) const { return wrap("31", text); }
  [[nodiscard]] std::string changed(std::string_view text) const { return wrap("33", text); }

 private:
  [[nodiscard]] std::string wrap(std::string_view code, std::string_view text) const;
  bool coloured_;
};

// A line of its own, bold on a terminal.
[[nodiscard]] std::string heading(std::string_view text);

// Lines of at most `columns`, each indented: broken at spaces, so that a number stays whole. A
// longer word stands alone.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent,
                                  std::size_t columns = 80);

inline constexpr std::size_t kAnyWidth = static_cast<std::size_t>(-1);

// Columns as wide as their widest cell; the first to the left, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // `left`: further columns that hold text. Where the table is wider than `columns`, each cell
  // stands behind its header instead, in lines of their own below the row's first cell.
  [[nodiscard]] std::string text(const std::vector<std::size_t>& left = {},
                                 std::size_t columns = kAnyWidth) const;

 private:
  [[nodiscard]] std::string narrow_text(std::size_t columns) const;

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and values, one a line, the values in one column; where that is wider than `columns`, each
// value below its name.
[[nodiscard]] std::string fields_text(
    const std::vector<std::pair<std::string, std::string>>& fields,
    std::size_t columns = kAnyWidth);

// One line on stderr, drawn anew ten times a second; nothing where stderr is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `done` of `total` (0: unknown) makes the bar and the time left; `items` the rate.
  void update(std::string_view label, double done, double total, std::uint64_t items);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool on_terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_;
};

// The line's text, for tests.
[[nodiscard]] std::string progress_text(std::string_view label, double fraction,
                                        std::uint64_t items, double seconds);

// Shows a long call of the store, and stops it when a signal came.
class ProgressReporter : public ProgressSink {
 public:
  [[nodiscard]] bool on_progress(const Progress& progress) override;
  void clear() { line_.clear(); }

 private:
  ProgressLine line_;
};

}  // namespace caveat::cli
