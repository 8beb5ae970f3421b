// Lines of the importer: a record that is taken reads back the same from the line it is written as.
#include <string>

#include "engine/model/row.h"
#include "test/fuzz/fuzz.h"
#include "tools/cli/ndjson_reader.h"
#include "tools/cli/ndjson_writer.h"

using namespace caveat;
using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static cli::NdjsonReader reader;
  std::string line(as_text(data, size));
  line.append(cli::kLinePadding, '"');  // junk, as behind a line of a file
  std::string row;
  const auto parsed = reader.read(std::string_view(line).substr(0, size), row);
  if (!parsed) {
    must_hold(row.empty(), "a line that is refused leaves something behind");
    must_hold(refuses(parsed.error().code()), "refused with a code that means something else");
    return 0;
  }
  std::string_view rest = row;
  const auto decoded = decode_row(rest);
  must_hold(decoded && rest.empty(), "a line gives a row that is none");
  must_hold(decoded->record.key == parsed->key, "a line gives a row of another key");
  const auto name =
      parsed->named ? std::optional<std::string>(parsed->property) : std::optional<std::string>();
  std::string again;
  cli::append_json_record(decoded->record, name, again);
  const auto written = again.size();
  again.append(cli::kLinePadding, '{');
  std::string row_again;
  const auto back = reader.read(std::string_view(again).substr(0, written), row_again);
  must_hold(back.has_value(), "the line of a record is refused");
  must_hold(row_again == row && back->named == name.has_value(),
            "the line of a record gives another one");
  return 0;
}
