#include "tools/cli/record_table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "tools/cli/record_card.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kRowsToMeasure = 100;
constexpr std::size_t kRowsToMeasureInPipes = 1000;
constexpr std::size_t kWidthMax = 32;  // of a column on a terminal, the last one apart
constexpr std::size_t kWidthMaxInPipes = 200;

// Columns that give way, down to what still reads well, and then to what still says something.
struct Shrinking {
  RecordField field;
  std::size_t comfortable;
  std::size_t least;
};
constexpr std::array<Shrinking, 4> kShrinking = {
    {{kProperty, 16, 14}, {kInherited, 12, 8}, {kActual, 12, 8}, {kReason, 20, 12}}};

// What is left out, in this order, where all that is not enough: what a record is and why stays.
constexpr std::array<RecordField, 5> kLeftOut = {kConfidence, kSource, kInherited, kTime, kReason};

constexpr std::size_t kDayWidth = 10;
constexpr std::size_t kConfidenceWidth = 6;

// No time of day without its zone, which would be another time, but the day.
std::string day_of(const std::string& time) {
  return time.substr(0, time.find_first_of(" T"));
}

std::string short_confidence(const std::string& text) {
  const auto exponent = text.find('e');
  if (exponent == std::string::npos || text.size() <= kConfidenceWidth) {
    return cut(text, kConfidenceWidth);
  }
  return text.substr(0, 1) + "…" + text.substr(exponent);
}

}  // namespace

TableStyle table_style_of_standard_output() {
  if (!is_terminal(stdout)) return {};
  struct winsize size {};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {true, known ? size.ws_col : std::size_t{80}};
}

void RecordTable::add(RecordCells cells, std::string& out) {
  if (settled_) return append(cells, false, out);
  first_.push_back(std::move(cells));
  if (first_.size() == (style_.columns > 0 ? kRowsToMeasure : kRowsToMeasureInPipes)) settle(out);
}

void RecordTable::finish(std::string& out) {
  if (style_.one_as_card && !settled_ && first_.size() == 1) return append_card(first_[0], out);
  if (!settled_ && !first_.empty()) settle(out);
  std::string names;
  auto left = static_cast<std::size_t>(std::count(shown_.begin(), shown_.end(), false));
  if (left == 0 || !settled_) return;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (shown_[i]) continue;
    names += (names.empty() ? "" : left > 1 ? ", " : " and ") + shown_names()[i];
    --left;
  }
  out += cut(fmt::format("(no room for {}: widen the window, or use --format card)", names),
             style_.columns) +
         "\n";
}

void RecordTable::settle(std::string& out) {
  settled_ = true;
  const auto max = style_.columns > 0 ? kWidthMax : kWidthMaxInPipes;
  const auto measure = [this, max](const RecordCells& cells) {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto width = display_width(cells[i]);
      widths_[i] = std::max(widths_[i], i == kTime ? width : std::min(max, width));
    }
  };
  measure(shown_names());
  for (const auto& cells : first_) measure(cells);
  if (style_.columns > 0) fit();
  append(shown_names(), true, out);
  for (const auto& cells : first_) append(cells, false, out);
  first_.clear();
}

std::size_t RecordTable::total() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (shown_[i]) sum += widths_[i] + (sum > 0 ? 2 : 0);
  }
  return sum;
}

// Columns of text give way, the one with the most to spare first. False: that is not enough.
bool RecordTable::shrink(bool comfortably) {
  while (total() > style_.columns) {
    std::size_t most = 0;
    RecordField widest = kNode;
    for (const auto& column : kShrinking) {
      const auto least = comfortably ? column.comfortable : column.least;
      if (!shown_[column.field] || widths_[column.field] <= least + most) continue;
      most = widths_[column.field] - least;
      widest = column.field;
    }
    if (most == 0) return false;
    --widths_[widest];
  }
  return true;
}

// First the texts, to what reads well; then the time of day and digits of the confidence go, and
// the texts give what they can. Then columns are left out, and those that stay get the room back.
void RecordTable::fit() {
  auto natural = widths_;
  if (!shrink(true)) {
    compact_ = true;
    natural[kTime] = kDayWidth;
    natural[kConfidence] = kConfidenceWidth;
    widths_ = natural;
    for (auto next = kLeftOut.begin(); !shrink(false) && next != kLeftOut.end(); ++next) {
      shown_[*next] = false;
      widths_ = natural;
    }
  }
  // The last column ends where the screen does.
  if (shown_[kReason] && total() < style_.columns) widths_[kReason] += style_.columns - total();
}

std::string RecordTable::cell(const RecordCells& cells, std::size_t field, std::size_t begin,
                              bool header) const {
  const auto& whole = cells[field];
  const bool on_screen = style_.columns > 0;
  switch (field) {
    case kNode:
      return whole;
    case kTime:
      if (header || !on_screen) return whole;
      // A later time may be wider than those that were measured.
      if (compact_ || begin + display_width(whole) > style_.columns) return day_of(whole);
      return whole;
    case kConfidence:
      if (!compact_) break;
      return header ? "conf." : short_confidence(whole);
    case kProperty:  // names are told apart by their ends
      return on_screen ? cut_in_the_middle(whole, widths_[field]) : cut(whole, widths_[field]);
    case kReason:
      if (!on_screen) return whole;  // in a pipe it has all the room it wants
      break;
    default:
      break;
  }
  return cut(whole, widths_[field]);
}

void RecordTable::append(const RecordCells& cells, bool header, std::string& out) const {
  std::string line;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (!shown_[i]) continue;
    if (!line.empty()) line += "  ";
    const auto text = cell(cells, i, display_width(line), header);
    const std::string space(widths_[i] - std::min(widths_[i], display_width(text)), ' ');
    const bool number = i == kNode || i == kConfidence;
    line += number ? space + text : text + space;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (style_.columns > 0) line = cut(line, style_.columns);
  out += header ? Style(stdout).heading(line) : line;
  out += '\n';
}

}  // namespace caveat::cli
