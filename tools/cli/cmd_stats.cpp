// caveat stats STORE [--explain]
#include "tools/cli/command.h"
#include "tools/cli/explanation.h"
#include "tools/cli/output.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  bool explain = false;
};

Result<ExitCode> explain(const Arguments& arguments) {
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(const auto explained, store->explain_tuning());
  CAVEAT_TRY(print(arguments.json ? explanation_json(explained) : explanation_text(explained)));
  return damage_told().empty() ? kDone : kDataError;
}

Result<ExitCode> stats(const Arguments& arguments) {
  if (arguments.explain) return explain(arguments);
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
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(app, "stats",
                              "Show what is in a store and what it takes: records, columns and "
                              "their encodings, indexes, memory.",
                              "caveat stats STORE --json", *arguments);
  command->add_flag("--explain", arguments->explain,
                    "Show instead how blocks are laid out, who chose that, and what was measured");
  command->callback([arguments, &action] { action = [arguments] { return stats(*arguments); }; });
}

}  // namespace caveat::cli
