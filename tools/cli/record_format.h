// How records are written: lines of JSON, CSV, or for people a table or cards.
#pragma once

#include <string>

#include "caveat/error.h"

namespace caveat::cli {

class Command;

enum class RecordFormat {
  ndjson,
  csv,
  table,
  card,
  table_or_card,  // a record that is the only one as a card
};

struct FormatArguments {
  std::string format;

  // `json` is what --json says, and wins over `otherwise`.
  [[nodiscard]] Result<RecordFormat> chosen(bool json, RecordFormat otherwise) const;
};

// --format
void add_format(Command& command, FormatArguments& arguments, const std::string& otherwise);

// A table on a terminal, lines of JSON everywhere else.
[[nodiscard]] RecordFormat format_for_standard_output();

}  // namespace caveat::cli
