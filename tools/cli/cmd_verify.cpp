// caveat verify STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

bool sound(const VerificationResults& found) {
  return found.errors.empty() && found.missing_hints == 0;
}

std::string json_of(const VerificationResults& found) {
  JsonWriter json;
  json.begin_object()
      .flag("sound", sound(found))
      .field("partitions", found.partitions)
      .field("records", found.records)
      .field("index_pairs", found.index_pairs)
      .field("stale_hints", found.stale_hints)
      .field("missing_hints", found.missing_hints)
      .begin_list("errors");
  for (const auto& error : found.errors) json.field("", error);
  json.end_list().end_object();
  return json.text();
}

std::string text_of(const VerificationResults& found) {
  auto text = fields_text({{"partitions", grouped(found.partitions)},
                           {"records", grouped(found.records)},
                           {"index pairs", grouped(found.index_pairs)},
                           {"stale hints", grouped(found.stale_hints)},
                           {"missing hints", grouped(found.missing_hints)},
                           {"errors", grouped(found.errors.size())}});
  for (const auto& error : found.errors) text += "  error: " + error + "\n";
  return text + (sound(found) ? "the store is sound\n" : "the store is damaged\n");
}

Result<ExitCode> verify(const CommonArguments& arguments) {
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  ProgressReporter progress;
  CAVEAT_ASSIGN(const auto found, store->verify(&progress));
  progress.clear();
  CAVEAT_TRY(print(arguments.json ? json_of(found) : text_of(found)));
  return sound(found) ? kDone : kDataError;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(
      app, "verify",
      "Read everything: each checksum, each record, each index against the records both ways. "
      "Exit code 1 if anything is wrong.",
      "caveat verify STORE", *arguments);
  command->callback([arguments, &action] { action = [arguments] { return verify(*arguments); }; });
}

}  // namespace caveat::cli
