// caveat restore BACKUPS STORE
#include "caveat/backup.h"
#include "tools/cli/backup_report.h"
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string backups;
  std::uint64_t id = 0;
  bool force = false;
};

Result<ExitCode> restore(const Arguments& arguments) {
  const GracefulStop graceful;
  ProgressReporter progress;
  RestoreOptions options;
  options.replace = arguments.force;
  options.progress = &progress;
  const auto id = arguments.id == 0 ? std::nullopt : std::optional(arguments.id);
  const auto restored = restore_backup(arguments.backups, id, arguments.store, options);
  progress.clear();
  if (!restored) {
    if (restored.error().code() != ErrorCode::already_exists) {
      return fail(interrupted(restored.error(), "nothing was changed"));
    }
    return fail(ErrorCode::already_exists,
                arguments.store + " holds a store already; --force has the backup take its place");
  }
  CAVEAT_TRY(print(arguments.json ? backup_json(*restored)
                                  : backup_text(*restored) + "the store is restored\n"));
  return kDone;
}

}  // namespace

void add_restore(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_bare_command(
      app, "restore",
      "Make a store of a backup. It is made beside its place, checked, and only then put there, in "
      "one step: until then what is there stays as it is.",
      "caveat restore BACKUPS STORE");
  command->add_option("BACKUPS", arguments->backups, "The directory of backups")->required();
  command->add_option("STORE", arguments->store, "The store's directory")->required();
  command->add_flag("--json", arguments->json, "Print JSON for programs");
  command->add_option("--id", arguments->id, "Which one; the newest otherwise")
      ->type_name("ID")
      ->range(1, ~std::size_t{0});
  command->add_flag("--force", arguments->force, "Take the place of a store that is there");
  command->callback([arguments, &action] { action = [arguments] { return restore(*arguments); }; });
}

}  // namespace caveat::cli
