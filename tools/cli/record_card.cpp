#include "tools/cli/record_card.h"

#include <algorithm>

#include "tools/cli/terminal.h"

namespace caveat::cli {

void append_card(const RecordCells& cells, std::string& out) {
  const auto& names = shown_names();
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, name.size());
  const Style style(stdout);
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    out += style.heading(names[i]);
    if (!cells[i].empty()) out += std::string(widest + 2 - names[i].size(), ' ') + cells[i];
    out += '\n';
  }
}

}  // namespace caveat::cli
