// Records in columns. They stream: the widths are those of the first rows, and a cell that is wider
// is cut, which "…" shows. On a terminal times become days where the screen is narrow, columns that
// have no room are left out, and a line at the end names them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tools/cli/record_cells.h"

namespace caveat::cli {

struct TableStyle {
  bool on_terminal = false;  // times in the user's zone, the header bold
  std::size_t columns = 0;   // of the screen, to which rows are cut; 0: they are not
  bool one_as_card = false;  // a record that is the only one is shown whole
};
[[nodiscard]] TableStyle table_style_of_standard_output();

class RecordTable {
 public:
  explicit RecordTable(TableStyle style) : style_(style) { shown_.fill(true); }

  // Appends what can be shown by now.
  void add(RecordCells cells, std::string& out);
  void finish(std::string& out);

 private:
  void settle(std::string& out);
  void fit();
  [[nodiscard]] bool shrink(bool comfortably);
  [[nodiscard]] std::size_t total() const;
  // `begin`: the column of the screen at which it stands.
  [[nodiscard]] std::string cell(const RecordCells& cells, std::size_t field, std::size_t begin,
                                 bool header) const;
  void append(const RecordCells& cells, bool header, std::string& out) const;

  TableStyle style_;
  bool settled_ = false;
  bool compact_ = false;  // days instead of times, and few digits
  std::vector<RecordCells> first_;
  std::array<std::size_t, kFieldCount> widths_{};
  std::array<bool, kFieldCount> shown_{};
};

}  // namespace caveat::cli
