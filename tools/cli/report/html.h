// Pieces of the page: text that is safe to show, tables with bars, column charts. Everything is one
// file without scripts; what a chart shows is there as a table as well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caveat::cli {

// For text and attributes alike; control characters and bytes that are no UTF-8 as \xNN.
[[nodiscard]] std::string escape_html(std::string_view text);

// "0.85%", "12%"; "-" of nothing.
[[nodiscard]] std::string share_text(double part, double whole);

// A row of a table with a bar in it: as long as its share of the longest.
struct BarRow {
  std::string label;
  double length = 0;
  std::vector<std::string> cells;  // behind the bar, one for each further heading
  std::string note = {};           // text at the end, with a heading of its own where any has one
};
// `headings`: of the labels, then of the cells.
[[nodiscard]] std::string bar_table(std::string_view caption,
                                    const std::vector<std::string>& headings,
                                    const std::vector<BarRow>& rows);

// The first column is text, the others numbers.
[[nodiscard]] std::string plain_table(std::string_view caption,
                                      const std::vector<std::string>& headings,
                                      const std::vector<std::vector<std::string>>& rows);

struct ColumnBar {
  std::string label;  // the whole range that it stands for
  std::uint64_t count = 0;
};
struct ColumnChart {
  std::string title;
  std::string unit;     // of the counts: "exceptions"
  std::string summary;  // one sentence for who cannot see it
  std::string first;    // below the axis, left, middle and right
  std::string middle;
  std::string last;
};
[[nodiscard]] std::string column_chart(const ColumnChart& chart,
                                       const std::vector<ColumnBar>& bars);

// The whole page around its sections. `title` is text.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);

}  // namespace caveat::cli
