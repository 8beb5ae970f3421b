// Records in columns. They stream: the widths are those of the first rows, and a cell that is wider
// is cut, which "…" shows. On a terminal columns that have no room are left out, and a line at the
// end names them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "caveat/exception_view.h"

namespace caveat::cli {

struct TableStyle {
  bool on_terminal = false;  // times in the user's zone, the header bold
  std::size_t columns = 0;   // of the screen, to which rows are cut; 0: they are not
};
[[nodiscard]] TableStyle table_style_of_standard_output();

class RecordTable {
 public:
  explicit RecordTable(TableStyle style) : style_(style) {}

  // Appends what can be shown by now.
  void add(const ExceptionView& record, const std::optional<std::string>& property_name,
           std::string& out);
  void finish(std::string& out);

 private:
  static constexpr std::size_t kFields = 8;
  using Row = std::array<std::string, kFields>;

  void settle(std::string& out);
  void fit();
  void append(const Row& row, bool header, std::string& out) const;

  TableStyle style_;
  bool settled_ = false;
  std::vector<Row> first_;
  std::array<std::size_t, kFields> widths_{};
  std::size_t shown_ = kFields;  // columns
};

}  // namespace caveat::cli
