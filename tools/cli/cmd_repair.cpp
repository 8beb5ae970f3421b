// caveat repair STORE NEW
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/salvage.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string target;
};

std::string bound(const std::optional<ExceptionKey>& key, const char* otherwise) {
  if (!key) return otherwise;
  return fmt::format("node {} property {:#018x}", key->node_id, key->property_hash);
}

void add_bound(JsonWriter& json, const char* name, const std::optional<ExceptionKey>& key) {
  if (!key) return;
  json.begin_object(name)
      .field("node", key->node_id)
      .field("property_hash", fmt::format("{:#018x}", key->property_hash))
      .end_object();
}

std::string json_of(const Salvage& saved) {
  JsonWriter json;
  json.begin_object().field("records", saved.records).flag("complete", saved.gaps.empty());
  json.begin_list("gaps");
  for (const Gap& gap : saved.gaps) {
    json.begin_object().begin_list("reasons");
    for (const auto& reason : gap.reasons) json.field("", printable(reason));
    json.end_list();
    add_bound(json, "before", gap.before);
    add_bound(json, "behind", gap.behind);
    json.end_object();
  }
  json.end_list().end_object();
  return json.text();
}

std::string text_of(const Salvage& saved, const std::string& target) {
  std::string text;
  for (const Gap& gap : saved.gaps) {
    text += fmt::format("lost: what was between {} and {}\n", bound(gap.before, "the begin"),
                        bound(gap.behind, "the end"));
    for (const auto& reason : gap.reasons) text += "  " + printable(reason) + "\n";
  }
  text += fields_text(
      {{"records saved", grouped(saved.records)}, {"places lost", grouped(saved.gaps.size())}});
  return text + (saved.gaps.empty() ? "all records are in " : "what could be read is in ") +
         printable(target) + "\n";
}

Result<ExitCode> repair(const Arguments& arguments) {
  CAVEAT_ASSIGN(auto damaged, InspectedStore::open(arguments.store));
  const GracefulStop graceful;
  CAVEAT_ASSIGN(auto repaired, open_to_write(arguments.target, {Presence::must_be_new, 0}));
  ProgressLine progress;
  auto saved = salvage(*damaged, repaired, [&](std::uint64_t records) {
    progress.update("records", 0, 0, records);
    return !stop_requested();
  });
  progress.clear();
  CAVEAT_TRY(repaired.close());
  if (!saved) return fail(saved.error());
  if (saved->stopped) {
    return fail(ErrorCode::cancelled,
                fmt::format("interrupted: the first {} records are in {}, which is not whole",
                            grouped(saved->records), arguments.target));
  }
  CAVEAT_TRY(print(arguments.json ? json_of(*saved) : text_of(*saved, arguments.target)));
  return saved->gaps.empty() ? kDone : kDataError;
}

}  // namespace

void add_repair(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "repair",
      "Write all that can be read of a damaged store into a new one, and say what cannot. The "
      "damaged store is never changed. Exit code 1 if anything is lost: the keys between which, "
      "and why. Indexes, which can be made anew, are never lost.",
      "caveat repair STORE NEW", *arguments);
  command->add_option("NEW", arguments->target, "The new store's directory, which must not exist")
      ->required();
  command->callback([arguments, &action] { action = [arguments] { return repair(*arguments); }; });
}

}  // namespace caveat::cli
