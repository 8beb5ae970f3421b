// caveat verify STORE
#include <fmt/format.h>

#include <algorithm>

#include "caveat/index_manager.h"
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

std::string json_of(const VerificationResults& found) {
  JsonWriter json;
  json.begin_object()
      .flag("sound", found.sound())
      .field("partitions", found.partitions)
      .field("records", found.records)
      .field("delta_records", found.delta_records)
      .field("index_pairs", found.index_pairs)
      .field("stale_hints", found.stale_hints)
      .field("missing_hints", found.missing_hints)
      .field("error_count", found.error_count)
      .begin_list("errors");
  for (const auto& error : found.errors) json.field("", printable(error));
  json.end_list().begin_list("incomplete_indexes");
  for (const auto& index : found.incomplete_indexes) json.field("", index);
  json.end_list().end_object();
  return json.text();
}

// What went wrong, and what can be done about it.
std::string verdict(const VerificationResults& found, const std::string& store) {
  if (found.sound()) return "the store is sound\n";
  std::string text;
  bool indexes = found.missing_hints > 0 || !found.incomplete_indexes.empty();
  bool records = false;
  for (const auto& error : found.errors) {
    const bool of_index = std::any_of(kIndexFamilies.begin(), kIndexFamilies.end(),
                                      [&](Family f) { return error.starts_with(to_string(f)); });
    (of_index ? indexes : records) = true;
  }
  if (records) {
    text += "records of what is damaged cannot be read; all others can (docs/cli.md, Damage)\n";
  }
  if (indexes) {
    text += "to mend the indexes, run: caveat rebuild-indexes " + printable(store) + "\n";
  }
  return text + (found.error_count > 0 ? "the store is damaged\n" : "the store is not sound\n");
}

std::string text_of(const VerificationResults& found, const std::string& store) {
  auto text = fields_text({{"partitions", grouped(found.partitions)},
                           {"records", grouped(found.records)},
                           {"recent commits", grouped(found.delta_records)},
                           {"index pairs", grouped(found.index_pairs)},
                           {"stale hints", grouped(found.stale_hints)},
                           {"missing hints", grouped(found.missing_hints)},
                           {"errors", grouped(found.error_count)}});
  for (const auto& error : found.errors) text += "  error: " + printable(error) + "\n";
  if (found.error_count > found.errors.size()) {
    text += fmt::format("  and {} more\n", grouped(found.error_count - found.errors.size()));
  }
  for (const auto& index : found.incomplete_indexes) {
    text += fmt::format("  the {} index is incomplete and was not checked: queries scan\n", index);
  }
  return text + verdict(found, store);
}

Result<ExitCode> verify(const CommonArguments& arguments) {
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  ProgressReporter progress;
  CAVEAT_ASSIGN(const auto found, store->verify(&progress));
  progress.clear();
  CAVEAT_TRY(print(arguments.json ? json_of(found) : text_of(found, arguments.store)));
  return found.sound() ? kDone : kDataError;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(
      app, "verify",
      "Read everything: each checksum, each record, each index against the records both ways. "
      "Exit code 1 if anything is wrong, or an index is incomplete.",
      "caveat verify STORE", *arguments);
  command->callback([arguments, &action] { action = [arguments] { return verify(*arguments); }; });
}

}  // namespace caveat::cli
