// caveat stats STORE
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

Result<ExitCode> stats(const CommonArguments& arguments) {
  StatsReport report;
  report.directory_bytes = directory_bytes(arguments.store);
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  report.waiting_rows = store->estimate_storage_statistics().delta_rows;
  CAVEAT_ASSIGN(report.storage, store->get_storage_statistics());
  CAVEAT_ASSIGN(report.columns, store->column_statistics());
  CAVEAT_ASSIGN(report.keys, store->key_usage());
  report.damage = damage_told();
  CAVEAT_TRY(print(arguments.json ? stats_json(report) : stats_text(report)));
  return report.damage.empty() ? kDone : kDataError;
}

}  // namespace

void add_stats(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(app, "stats",
                              "Show what is in a store and what it takes: records, columns and "
                              "their encodings, indexes, memory.",
                              "caveat stats STORE --json", *arguments);
  command->callback([arguments, &action] { action = [arguments] { return stats(*arguments); }; });
}

}  // namespace caveat::cli
