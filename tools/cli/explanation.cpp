#include "tools/cli/explanation.h"

#include <fmt/format.h>

#include "adapters/json/reports.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {

std::string explanation_text(const TuningExplanation& explained) {
  Table table({"option", "in force", "chosen by", "why"});
  for (const auto& option : explained.options) {
    table.add({option.option, option.value, std::string(to_string(option.chosen_by)),
               printable(option.why)});
  }
  std::string codecs;
  for (const auto& [name, blocks] : explained.codecs) {
    codecs += fmt::format("{}{} {}", codecs.empty() ? "" : ", ", printable(name), grouped(blocks));
  }
  const double rows = explained.partitions == 0 ? 0
                                                : static_cast<double>(explained.rows) /
                                                      static_cast<double>(explained.partitions);
  return heading("Layout of new blocks, and what follows the data") + table.text({1, 2, 3}) + "\n" +
         heading("As stored") +
         fields_text({{"blocks", grouped(explained.partitions)},
                      {"records in a block", fmt::format("{:.1f}", rows)},
                      {"codecs", codecs.empty() ? "-" : codecs},
                      {"with a dictionary", grouped(explained.with_dictionary)}});
}

std::string explanation_json(const TuningExplanation& explained) {
  JsonWriter json;
  json.begin_object();
  json::write(explained, json);
  json.end_object();
  return json.text();
}

}  // namespace caveat::cli
