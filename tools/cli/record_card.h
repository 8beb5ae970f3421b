// A record whole: one field a line, nothing cut.
#pragma once

#include <string>

#include "tools/cli/record_cells.h"

namespace caveat::cli {

void append_card(const RecordCells& cells, std::string& out);

}  // namespace caveat::cli
