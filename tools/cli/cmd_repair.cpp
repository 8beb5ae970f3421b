// caveat repair STORE NEW
#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/command.h"
#include "tools/cli/damaged_store.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/salvage.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"
#include "tools/cli/unfinished_store.h"

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

bool complete(const DamagedStore& store, const Salvage& saved) {
  return saved.gaps.empty() && !store.has_lost_records();
}

std::string json_of(const DamagedStore& store, const Salvage& saved,
                    const std::vector<std::string>& notes) {
  JsonWriter json;
  json.begin_object().field("records", saved.records).flag("complete", complete(store, saved));
  json.begin_list("gaps");
  for (const Gap& gap : saved.gaps) {
    json.begin_object().begin_list("reasons");
    for (const auto& reason : gap.reasons) json.field("", printable(reason));
    json.end_list();
    add_bound(json, "before", gap.before);
    add_bound(json, "behind", gap.behind);
    json.end_object();
  }
  json.end_list().flag("from_files", !store.why().empty());
  json.begin_list("damage");
  for (const SalvageLoss& loss : store.losses()) {
    json.begin_object().field("file", printable(loss.file));
    if (!loss.family.empty()) json.field("family", loss.family);
    if (loss.bytes > 0) json.field("offset", loss.offset).field("bytes", loss.bytes);
    json.field("reason", printable(loss.why)).flag("records", loss.of_records);
    if (loss.family == to_string(Family::primary)) {
      add_bound(json, "before", partition_bound(loss.before));
      add_bound(json, "behind", partition_bound(loss.behind));
    }
    json.end_object();
  }
  json.end_list().begin_list("notes");
  for (const auto& note : store.notes()) json.field("", printable(note));
  for (const auto& note : notes) json.field("", printable(note));
  json.end_list().end_object();
  return json.text();
}

std::string text_of(const DamagedStore& store, const Salvage& saved, const std::string& target,
                    const std::vector<std::string>& notes) {
  std::string text;
  for (const auto& note : notes) text += printable(note) + "\n";
  if (!store.why().empty()) {
    text += "the store was read file by file: " + printable(store.why()) + "\n";
  }
  for (const auto& note : store.notes()) text += "  " + printable(note) + "\n";
  for (const SalvageLoss& loss : store.losses()) {
    text += (loss.of_records ? "damaged: " : "damaged, and nothing lost by it: ") +
            printable(loss.sentence()) + "\n";
    if (!loss.of_records || loss.family != to_string(Family::primary)) continue;
    text += fmt::format("  records between {} and {} may be missing, or as they were before\n",
                        bound(partition_bound(loss.before), "the begin"),
                        bound(partition_bound(loss.behind), "the end"));
  }
  for (const Gap& gap : saved.gaps) {
    text += fmt::format("lost: what was between {} and {}\n", bound(gap.before, "the begin"),
                        bound(gap.behind, "the end"));
    for (const auto& reason : gap.reasons) text += "  " + printable(reason) + "\n";
  }
  const auto damaged = std::count_if(store.losses().begin(), store.losses().end(),
                                     [](const SalvageLoss& loss) { return loss.of_records; });
  text += fields_text(
      {{"records saved", grouped(saved.records)},
       {"places lost", grouped(saved.gaps.size() + static_cast<std::size_t>(damaged))}});
  return text + (complete(store, saved) ? "all records are in " : "what could be read is in ") +
         printable(target) + "\n";
}

Result<ExitCode> repair(const Arguments& arguments) {
  CAVEAT_ASSIGN(auto damaged, DamagedStore::open(arguments.store));
  const GracefulStop graceful;
  CAVEAT_ASSIGN(auto made, UnfinishedStore::beside(arguments.target));
  CAVEAT_ASSIGN(auto repaired, open_to_write(made.path(), {Presence::must_be_new, 0}));
  ProgressLine progress;
  auto saved = salvage(*damaged, repaired, [&](std::uint64_t records) {
    progress.update("records", 0, 0, records);
    return !stop_requested();
  });
  progress.clear();
  CAVEAT_TRY(repaired.close());
  if (!saved) return fail(saved.error());
  if (saved->stopped) {
    return fail(ErrorCode::cancelled, fmt::format("interrupted after {} records; {} was not made",
                                                  grouped(saved->records), arguments.target));
  }
  CAVEAT_TRY(made.put_in_place());
  CAVEAT_TRY(print(arguments.json ? json_of(damaged, *saved, made.notes())
                                  : text_of(damaged, *saved, arguments.target, made.notes())));
  return complete(damaged, *saved) ? kDone : kDataError;
}

}  // namespace

void add_repair(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "repair",
      "Write all that can be read of a damaged store into a new one, and say what cannot. The "
      "damaged store is never changed, and the new one is there when it is whole. One that does "
      "not open is read file by file: nothing is "
      "needed but its tables and logs. Exit code 1 if anything is lost: in which file, the keys "
      "between which, and why. Indexes, which can be made anew, are never lost.",
      "caveat repair STORE NEW", *arguments);
  command->add_option("NEW", arguments->target, "The new store's directory, which must not exist")
      ->required();
  command->callback([arguments, &action] { action = [arguments] { return repair(*arguments); }; });
}

}  // namespace caveat::cli
