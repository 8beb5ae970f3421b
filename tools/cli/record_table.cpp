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
constexpr std::size_t kWidthMax = 32;  // of a column, the last one apart
constexpr std::size_t kNode = 0;
constexpr std::size_t kConfidence = 5;
constexpr std::size_t kLast = 7;

// The text, cut where it is too wide.
std::string cut(const std::string& text, std::size_t columns) {
  if (display_width(text) <= columns) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
    if (display_width(out) + display_width(text.substr(at, end - at)) + 1 > columns) break;
    out += text.substr(at, end - at);
    at = end;
  }
  return out + "…";
}

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
    append_local_time(record.created_at, row[6]);
  } else {
    append_time(record.created_at, row[6]);
  }
  row[kLast] = record.reason;
  for (auto& cell : row) cell = printable(cell);
  if (settled_) return append(row, false, out);
  first_.push_back(std::move(row));
  if (first_.size() == kRowsToMeasure) settle(out);
}

void RecordTable::finish(std::string& out) {
  if (!settled_ && !first_.empty()) settle(out);
}

void RecordTable::settle(std::string& out) {
  settled_ = true;
  const Row header = {"node",   "property",   "inherited",  "actual",
                      "source", "confidence", "created_at", "reason"};
  const auto measure = [this](const Row& row) {
    for (std::size_t i = 0; i < kFields; ++i) {
      widths_[i] = std::max(widths_[i], std::min(kWidthMax, display_width(row[i])));
    }
  };
  measure(header);
  for (const auto& row : first_) measure(row);
  append(header, true, out);
  for (const auto& row : first_) append(row, false, out);
  first_.clear();
}

void RecordTable::append(const Row& row, bool header, std::string& out) const {
  std::string line;
  for (std::size_t i = 0; i < kFields; ++i) {
    if (i > 0) line += "  ";
    const bool may_be_cut = style_.columns > 0 && i != kNode && i != kLast;
    const auto cell = may_be_cut ? cut(row[i], widths_[i]) : row[i];
    const std::string space(widths_[i] - std::min(widths_[i], display_width(cell)), ' ');
    const bool number = i == kNode || i == kConfidence;
    line += number ? space + cell : cell + space;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (style_.columns > 0) line = cut(line, style_.columns);
  out += header ? Style(stdout).heading(line) : line;
  out += '\n';
}

}  // namespace caveat::cli
