#include "tools/cli/record_table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "tools/cli/json_text.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kRowsToMeasure = 100;
constexpr std::size_t kRowsToMeasureInPipes = 1000;
constexpr std::size_t kWidthMax = 32;  // of a column on a terminal, the last one apart
constexpr std::size_t kWidthMaxInPipes = 200;
constexpr std::size_t kWidthMin = 10;  // to which columns of text shrink before one is left out
constexpr std::size_t kNode = 0;
constexpr std::size_t kConfidence = 5;
constexpr std::size_t kTime = 6;  // never cut: without its zone it would be another time
constexpr std::size_t kLast = 7;
constexpr std::array<std::size_t, 4> kShrinking = {1, 2, 3, kLast};
constexpr std::array<const char*, 8> kNames = {"node",   "property",   "inherited",  "actual",
                                               "source", "confidence", "created_at", "reason"};

}  // namespace

TableStyle table_style_of_standard_output() {
  if (!is_terminal(stdout)) return {};
  struct winsize size {};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {true, known ? size.ws_col : std::size_t{80}};
}

void RecordTable::add(const ExceptionView& record, const std::optional<std::string>& property_name,
                      std::string& out) {
  Row row;
  row[kNode] = std::to_string(record.key.node_id);
  row[1] = property_name ? *property_name : fmt::format("{:#018x}", record.key.property_hash);
  append_json_value(record.inherited_value, row[2]);
  append_json_value(record.actual_value, row[3]);
  row[4] = to_string(record.source);
  append_json_confidence(record.confidence, row[kConfidence]);
  if (style_.on_terminal) {
    append_local_time(record.created_at, row[kTime]);
  } else {
    append_time(record.created_at, row[kTime]);
  }
  row[kLast] = record.reason;
  for (auto& cell : row) cell = printable(cell);
  if (settled_) return append(row, false, out);
  first_.push_back(std::move(row));
  if (first_.size() == (style_.columns > 0 ? kRowsToMeasure : kRowsToMeasureInPipes)) settle(out);
}

void RecordTable::finish(std::string& out) {
  if (!settled_ && !first_.empty()) settle(out);
  if (shown_ == kFields || !settled_) return;
  std::string names;
  for (std::size_t i = shown_; i < kFields; ++i) {
    names += (names.empty() ? "" : i + 1 < kFields ? ", " : " and ") + std::string(kNames[i]);
  }
  out += cut(fmt::format("(no room for {}: widen the window, or use --format ndjson)", names),
             style_.columns) +
         "\n";
}

void RecordTable::settle(std::string& out) {
  settled_ = true;
  Row header;
  std::copy(kNames.begin(), kNames.end(), header.begin());
  const auto max = style_.columns > 0 ? kWidthMax : kWidthMaxInPipes;
  const auto measure = [this, max](const Row& row) {
    for (std::size_t i = 0; i < kFields; ++i) {
      const auto width = display_width(row[i]);
      widths_[i] = std::max(widths_[i], i == kTime ? width : std::min(max, width));
    }
  };
  measure(header);
  for (const auto& row : first_) measure(row);
  if (style_.columns > 0) fit();
  append(header, true, out);
  for (const auto& row : first_) append(row, false, out);
  first_.clear();
}

// Columns of text give way, the widest first, down to a width that still says something. Then
// columns are left out from the right, and those that stay get the room back.
void RecordTable::fit() {
  const auto natural = widths_;
  const auto total = [this] {
    std::size_t sum = 2 * (shown_ - 1);
    for (std::size_t i = 0; i < shown_; ++i) sum += widths_[i];
    return sum;
  };
  while (total() > style_.columns) {
    const auto wider = [this](std::size_t a, std::size_t b) {
      return (a < shown_ ? widths_[a] : 0) < (b < shown_ ? widths_[b] : 0);
    };
    const auto widest = *std::max_element(kShrinking.begin(), kShrinking.end(), wider);
    if (widest < shown_ && widths_[widest] > kWidthMin) {
      --widths_[widest];
    } else if (shown_ > 2) {
      --shown_;
      widths_ = natural;
    } else {
      break;  // what is left is cut at the edge
    }
  }
  // The last column ends where the screen does.
  if (shown_ == kFields && total() < style_.columns) widths_[kLast] += style_.columns - total();
}

void RecordTable::append(const Row& row, bool header, std::string& out) const {
  std::string line;
  for (std::size_t i = 0; i < shown_; ++i) {
    if (i > 0) line += "  ";
    // In a pipe the last one has all the room it wants.
    const bool may_be_cut = i != kNode && i != kTime && (style_.columns > 0 || i != kLast);
    const auto cell = may_be_cut ? cut(row[i], widths_[i]) : row[i];
    const std::string space(widths_[i] - std::min(widths_[i], display_width(cell)), ' ');
    const bool number = i == kNode || i == kConfidence;
    line += number ? space + cell : cell + space;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  // A later time may be wider than those that were measured.
  const bool ends_in_time = shown_ == kTime + 1;
  if (style_.columns > 0 && !ends_in_time) line = cut(line, style_.columns);
  out += header ? Style(stdout).heading(line) : line;
  out += '\n';
}

}  // namespace caveat::cli
