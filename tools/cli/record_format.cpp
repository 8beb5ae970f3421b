#include "tools/cli/record_format.h"

#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {

Result<RecordFormat> FormatArguments::chosen(bool json, RecordFormat otherwise) const {
  if (format.empty()) return json ? RecordFormat::ndjson : otherwise;
  if (json && format != "ndjson") {
    return fail(ErrorCode::invalid_argument,
                fmt::format("--json and --format {} exclude each other", format));
  }
  if (format == "csv") return RecordFormat::csv;
  if (format == "card") return RecordFormat::card;
  return format == "table" ? RecordFormat::table : RecordFormat::ndjson;
}

void add_format(Command& command, FormatArguments& arguments, const std::string& otherwise) {
  command
      .add_option(
          "--format", arguments.format,
          "How records are written: " + otherwise +
              ". A table is for people: it cuts long cells and shows times in your zone on a "
              "terminal, and in UTC elsewhere. A card is a record whole, one field a line")
      ->choices({"table", "card", "ndjson", "csv"});
}

RecordFormat format_for_standard_output() {
  return is_terminal(stdout) ? RecordFormat::table : RecordFormat::ndjson;
}

}  // namespace caveat::cli
