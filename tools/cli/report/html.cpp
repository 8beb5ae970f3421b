#include "tools/cli/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/cli/report/style_sheet.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kLabelColumns = 96;
// What goes before its figures in one line of a telephone, or above them.
constexpr std::size_t kShortLabelColumns = 20;
constexpr std::size_t kFewCells = 3;

// A long name is cut in its middle, as names that begin alike end differently, and unfolds to all
// of it.
std::string label_cell(std::string_view label, std::size_t columns) {
  const auto text = printable(label);
  if (display_width(text) <= columns) return escape_html(label);
  const auto whole = escape_html(label);
  return fmt::format("<details class=\"long\"><summary title=\"{}\">{}</summary>{}</details>",
                     whole, escape_html(cut_in_the_middle(text, columns)), whole);
}

// To how many columns the names of one table are cut: as many as it takes to tell them apart.
class LabelColumns {
 public:
  void add(std::string_view label) { labels_.insert(printable(label)); }
  [[nodiscard]] std::size_t enough() const {
    for (std::size_t columns = kLabelColumns; columns < kLabelColumns * 16; columns *= 2) {
      std::set<std::string> shown;
      for (const std::string& label : labels_) shown.insert(cut_in_the_middle(label, columns));
      if (shown.size() == labels_.size()) return columns;
    }
    return std::string::npos;  // whole
  }

 private:
  std::set<std::string> labels_;
};

// `notes`: the last heading is of text.
std::string header_cells(const std::vector<std::string>& headings, std::size_t bar_behind,
                         bool notes = false) {
  std::string html = "<tr>";
  for (std::size_t i = 0; i < headings.size(); ++i) {
    const bool note = notes && i + 1 == headings.size();
    html += fmt::format("<th scope=\"col\"{}>{}</th>",
                        i == 0 ? ""
                        : note ? " class=\"note\""
                               : " class=\"n\"",
                        escape_html(headings[i]));
    if (i == bar_behind) html += "<td class=\"bar\"></td>";
  }
  return html + "</tr>";
}

std::string row_cells(std::string_view label, const std::vector<std::string>& cells,
                      std::string_view bar, std::string_view note = {},
                      std::size_t columns = kLabelColumns) {
  std::string html =
      fmt::format("<tr><th scope=\"row\">{}</th>{}", label_cell(label, columns), bar);
  for (const std::string& cell : cells) {
    html += fmt::format("<td class=\"n\">{}</td>", escape_html(cell));
  }
  if (!note.empty()) html += fmt::format("<td class=\"note\">{}</td>", escape_html(note));
  return html + "</tr>\n";
}

// `cells`: how many stand side by side below a name that has its own line where there is little
// room; 0: it never needs one. Rows are laid out as a grid then, and the roles say what they are.
std::string table(std::string_view caption, std::string_view head, std::string_view body,
                  std::size_t cells = 0) {
  return fmt::format(
      "<div class=\"table{3}\"><p class=\"caption\" aria-hidden=\"true\">{0}</p>"
      "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">"
      "<table role=\"table\" aria-label=\"{0}\"{4}><thead role=\"rowgroup\">{1}</thead>"
      "<tbody role=\"rowgroup\">\n{2}</tbody></table></div></div>\n",
      escape_html(caption), head, body, cells > 0 ? " tall" : "",
      cells > 0 ? fmt::format(" style=\"--cells:{}\"", cells) : "");
}

bool is_short(std::string_view label) {
  return display_width(printable(label)) <= kShortLabelColumns;
}

// The next number that looks round, and whose half does.
std::uint64_t round_up(std::uint64_t count) {
  std::uint64_t unit = 1;
  while (unit <= count / 10) unit *= 10;
  for (const std::uint64_t step : {1, 2, 3, 4, 5, 6, 8}) {
    if (unit * step >= count) return unit * step;
  }
  return unit * 10;
}

std::string short_count(std::uint64_t count) {
  if (count >= 1'000'000) return fmt::format("{:.3g} M", static_cast<double>(count) / 1e6);
  if (count >= 10'000) return fmt::format("{:.3g} k", static_cast<double>(count) / 1e3);
  return grouped(count);
}

constexpr double kWidth = 400;
constexpr double kHeight = 170;
constexpr double kLeft = 44;
constexpr double kTop = 10;
constexpr double kBase = 140;  // where the columns stand

std::string drawing(const ColumnChart& chart, const std::vector<ColumnBar>& bars,
                    std::uint64_t top) {
  std::string svg;
  for (const int part : {0, 1, 2}) {
    const double y = kBase - (kBase - kTop) * part / 2;
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" class=\"y\">{5}</text>\n",
        kLeft, kWidth, y, kLeft - 5, y + 4,
        part == 1 && top % 2 != 0 ? "" : short_count(top * static_cast<unsigned>(part) / 2));
  }
  const double step = (kWidth - kLeft) / static_cast<double>(std::max<std::size_t>(1, bars.size()));
  for (std::size_t i = 0; i < bars.size(); ++i) {
    if (bars[i].count == 0) continue;
    const double share = static_cast<double>(bars[i].count) / static_cast<double>(top);
    const double height = std::max(1.0, (kBase - kTop) * share);
    svg += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"><title>{}: {} {}"
        "</title></rect>\n",
        kLeft + step * static_cast<double>(i) + step * 0.08, kBase - height, step * 0.84, height,
        escape_html(bars[i].label), grouped(bars[i].count), escape_html(chart.unit));
  }
  const auto below = [&](double x, const char* anchor, std::string_view text) {
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", x, kBase + 18,
                       anchor, escape_html(text));
  };
  below(kLeft, "start", chart.first);
  below((kLeft + kWidth) / 2, "middle", chart.middle);
  below(kWidth, "end", chart.last);
  return svg;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string share_text(double part, double whole) {
  if (whole <= 0) return "-";
  const double percent = 100 * part / whole;
  if (percent == 0 || percent >= 99.95) return fmt::format("{:.0f}%", percent);
  return percent >= 10 ? fmt::format("{:.1f}%", percent) : fmt::format("{:.2f}%", percent);
}

std::string bar_table(std::string_view caption, const std::vector<std::string>& headings,
                      const std::vector<BarRow>& rows) {
  double longest = 0;
  bool tall = headings.size() > kFewCells + 1;
  bool notes = false;
  LabelColumns columns;
  for (const BarRow& row : rows) {
    columns.add(row.label);
    notes = notes || !row.note.empty();
    longest = std::max(longest, row.length);
    tall = tall || !is_short(row.label);
  }
  const std::size_t label_columns = columns.enough();
  std::string body;
  for (const BarRow& row : rows) {
    const double share = longest > 0 ? 100 * row.length / longest : 0;
    body += row_cells(row.label, row.cells,
                      fmt::format("<td class=\"bar\"><svg aria-hidden=\"true\" "
                                  "preserveAspectRatio=\"none\" viewBox=\"0 0 100 10\"><rect "
                                  "width=\"{:.2f}\" height=\"10\"/></svg></td>",
                                  row.length > 0 ? std::max(0.5, share) : 0.0),
                      row.note, label_columns);
  }
  return table(caption, header_cells(headings, 0, notes), body,
               tall ? headings.size() - (notes ? 2 : 1) : 0);
}

std::string plain_table(std::string_view caption, const std::vector<std::string>& headings,
                        const std::vector<std::vector<std::string>>& rows) {
  std::string body;
  bool tall = headings.size() > kFewCells;
  LabelColumns columns;
  for (const auto& row : rows) columns.add(row.front());
  const std::size_t label_columns = columns.enough();
  for (const auto& row : rows) {
    body += row_cells(row.front(), {row.begin() + 1, row.end()}, "", {}, label_columns);
    tall = tall || !is_short(row.front());
  }
  return table(caption, header_cells(headings, headings.size()), body,
               tall ? headings.size() - 1 : 0);
}

std::string column_chart(const ColumnChart& chart, const std::vector<ColumnBar>& bars) {
  std::uint64_t most = 1;
  for (const ColumnBar& bar : bars) most = std::max(most, bar.count);
  std::string rows;
  for (const ColumnBar& bar : bars) rows += row_cells(bar.label, {grouped(bar.count)}, "");
  return fmt::format(
      "<figure><figcaption>{0} <span class=\"unit\">({1})</span></figcaption>\n"
      "<svg role=\"img\" aria-label=\"{2}\" viewBox=\"0 0 {3} {4}\">{5}</svg>\n"
      "<details><summary>{0}, as numbers</summary>{6}</details></figure>\n",
      escape_html(chart.title), escape_html(chart.unit), escape_html(chart.summary), kWidth,
      kHeight, drawing(chart, bars, round_up(most)),
      table(chart.title, header_cells({"range", chart.unit}, 2), rows));
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<title>{}</title>\n<style>{}</style></head>\n<body>\n{}</body></html>\n",
      escape_html(title), kStyleSheet, body);
}

}  // namespace caveat::cli
