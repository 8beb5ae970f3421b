#include "tools/cli/record_cells.h"

#include <fmt/format.h>

#include "tools/cli/json_text.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {

const RecordCells& shown_names() {
  static const RecordCells names = {"node",   "property",   "inherited",  "actual",
                                    "source", "confidence", "created_at", "reason"};
  return names;
}

RecordCells cells_of(const ExceptionView& record, const std::optional<std::string>& property_name,
                     bool local) {
  RecordCells cells;
  cells[kNode] = std::to_string(record.key.node_id);
  cells[kProperty] =
      property_name ? *property_name : fmt::format("{:#018x}", record.key.property_hash);
  append_json_value(record.inherited_value, cells[kInherited]);
  append_json_value(record.actual_value, cells[kActual]);
  cells[kSource] = to_string(record.source);
  append_json_confidence(record.confidence, cells[kConfidence]);
  if (local) {
    append_local_time(record.created_at, cells[kTime]);
  } else {
    append_time(record.created_at, cells[kTime]);
  }
  cells[kReason] = record.reason;
  for (auto& cell : cells) cell = printable(cell);
  return cells;
}

}  // namespace caveat::cli
