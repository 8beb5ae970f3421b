// caveat backup STORE BACKUPS, and what there is to do with backups that are made.
#include <fmt/format.h>

#include <algorithm>

#include "caveat/backup.h"
#include "tools/cli/backup_report.h"
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

std::string time_for_people(std::int64_t time) {
  std::string text;
  (is_terminal(stdout) ? append_local_time : append_time)(time, text);
  return text;
}

struct Arguments : CommonArguments {
  std::string backups;
  bool list = false;
  bool verify = false;
  std::uint64_t id = 0;      // with --verify; 0: the newest
  std::uint64_t remove = 0;  // --delete
  std::size_t keep = 0;
};

Result<ExitCode> make(const Arguments& arguments) {
  const GracefulStop graceful;
  ProgressReporter progress;
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  BackupOptions options;
  options.keep = arguments.keep;
  options.progress = &progress;
  const auto made = create_backup(*store, arguments.backups, options);
  progress.clear();
  if (!made) return fail(interrupted(made.error(), "there is no new backup"));
  CAVEAT_TRY(print(arguments.json ? backup_json(*made) : backup_text(*made)));
  return kDone;
}

Result<ExitCode> list(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto listed, list_backups(arguments.store));
  const bool sound = std::all_of(listed.begin(), listed.end(), [](const ListedBackup& backup) {
    return backup.info.has_value();
  });
  if (arguments.json) {
    JsonWriter json;
    json.begin_object().begin_list("backups");
    for (const auto& backup : listed) {
      json.begin_object().field("id", backup.id);
      if (backup.info) {
        add_backup_fields(*backup.info, json);
      } else {
        json.field("error", printable(backup.info.error().message()));
      }
      json.end_object();
    }
    json.end_list().end_object();
    CAVEAT_TRY(print(json.text()));
    return sound ? kDone : kDataError;
  }
  Table table({"id", "made", "records", "bytes", "new bytes", "files", ""});
  for (const auto& backup : listed) {
    if (!backup.info) {
      table.add({std::to_string(backup.id), "", "", "", "", "",
                 printable(backup.info.error().message())});
      continue;
    }
    const std::string time = time_for_people(backup.info->created_ns);
    table.add({std::to_string(backup.id), time, grouped(backup.info->records),
               grouped(backup.info->bytes), grouped(backup.info->new_bytes),
               grouped(backup.info->files), ""});
  }
  CAVEAT_TRY(print(table.empty() ? "no backups\n" : table.text({1, 6})));
  return sound ? kDone : kDataError;
}

Result<ExitCode> verify(const Arguments& arguments) {
  const GracefulStop graceful(GracefulStop::Of::reading);
  ProgressReporter progress;
  BackupVerifyOptions options;
  options.records = true;
  options.progress = &progress;
  CAVEAT_ASSIGN(options.keys, keys_given());
  const auto found = verify_backup(
      arguments.store, arguments.id == 0 ? std::nullopt : std::optional(arguments.id), options);
  progress.clear();
  if (!found) return fail(interrupted(found.error(), "the backup was not read to its end"));
  CAVEAT_TRY(
      print(arguments.json ? backup_json(*found) : backup_text(*found) + "the backup is sound\n"));
  return kDone;
}

Result<ExitCode> remove(const Arguments& arguments) {
  CAVEAT_TRY(delete_backup(arguments.store, arguments.remove));
  CAVEAT_TRY(print(arguments.json ? "{\"deleted\":1}\n"
                                  : fmt::format("backup {} is deleted\n", arguments.remove)));
  return kDone;
}

Result<ExitCode> thin_out(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto deleted, keep_newest_backups(arguments.store, arguments.keep));
  CAVEAT_TRY(print(arguments.json ? fmt::format("{{\"deleted\":{}}}\n", deleted)
                                  : counted(deleted, "backup is", "backups are") + " deleted\n"));
  return kDone;
}

Result<ExitCode> backup(const Arguments& arguments) {
  const int of_backups = int{arguments.list} + int{arguments.verify} + int{arguments.remove != 0};
  const bool makes = !arguments.backups.empty();
  if (of_backups > 1 || (makes && of_backups > 0) ||
      (!makes && of_backups == 0 && arguments.keep == 0) ||
      (of_backups > 0 && arguments.keep > 0) || (arguments.id != 0 && !arguments.verify)) {
    return fail(ErrorCode::invalid_argument,
                "backup: give STORE and BACKUPS to make one, or BACKUPS alone with one of --list, "
                "--verify, --delete and --keep");
  }
  if (arguments.list) return list(arguments);
  if (arguments.verify) return verify(arguments);
  if (arguments.remove != 0) return remove(arguments);
  return makes ? make(arguments) : thin_out(arguments);
}

}  // namespace

void add_backup_fields(const BackupInfo& info, JsonWriter& json) {
  std::string time;
  append_time(info.created_ns, time);
  json.field("created_at", time)
      .field("records", info.records)
      .field("bytes", info.bytes)
      .field("new_bytes", info.new_bytes)
      .field("files", info.files);
}

std::string backup_json(const BackupInfo& info) {
  JsonWriter json;
  json.begin_object().field("id", info.id);
  add_backup_fields(info, json);
  json.end_object();
  return json.text();
}

std::string backup_text(const BackupInfo& info) {
  return fields_text({{"backup", std::to_string(info.id)},
                      {"made", time_for_people(info.created_ns)},
                      {"records", grouped(info.records)},
                      {"bytes", human_bytes(info.bytes)},
                      {"of those new", human_bytes(info.new_bytes)},
                      {"files", grouped(info.files)}});
}

void add_backup(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "backup",
      "Make a backup of a store in a directory of backups; it costs what has changed since the "
      "last one there. The store may be open and written to; each backup is read back before it "
      "counts. With BACKUPS alone: --list, --verify, --delete and --keep are about those that "
      "there are.",
      "caveat backup STORE BACKUPS --keep 7 && caveat backup BACKUPS --verify", *arguments);
  command->get_option("STORE")->description("The store's directory, or BACKUPS alone");
  command->add_option("BACKUPS", arguments->backups,
                      "The directory of backups; made if it is not there");
  command->add_flag("--list", arguments->list, "List them; exit code 1 if one cannot be used");
  command->add_flag("--verify", arguments->verify,
                    "Read a backup, and check every record and index of it");
  command->add_option("--id", arguments->id, "Which one to verify; the newest otherwise")
      ->type_name("ID")
      ->range(1, ~std::size_t{0});
  command->add_option("--delete", arguments->remove, "Delete one")
      ->type_name("ID")
      ->range(1, ~std::size_t{0});
  command->add_option("--keep", arguments->keep, "Delete all but the newest N")
      ->type_name("N")
      ->range(1, ~std::size_t{0});
  command->callback([arguments, &action] { action = [arguments] { return backup(*arguments); }; });
}

}  // namespace caveat::cli
