// caveat query STORE
#include <fmt/format.h>

#include "adapters/json/reports.h"
#include "tools/cli/command.h"
#include "tools/cli/filter/filter.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
  FormatArguments format;
  bool explain = false;
};

Result<ExitCode> explain(const Arguments& arguments, StorageOptimizer& store,
                         const Selection& selection) {
  const auto snapshot = store.snapshot();
  SelectionPlan plan;
  if (selection.filtered()) {
    CAVEAT_ASSIGN(plan, plan_of(selection, store, snapshot));
  } else {
    plan.branches.push_back({selection.query, kAllNumbers});
  }
  JsonWriter json;
  std::string text;
  if (plan.branches.empty()) text = "nothing can meet these conditions, so nothing is read\n";
  json.begin_object().begin_list("queries");
  for (std::size_t i = 0; i < plan.branches.size(); ++i) {
    auto query = plan.branches[i].query;
    query.limit = selection.query.limit;
    CAVEAT_ASSIGN(const auto found, store.explain(query, &snapshot));
    json.begin_object();
    json::write(found, json);
    json.end_object();
    if (plan.branches.size() > 1) {
      text += fmt::format("query {} of {}, {}", i + 1, plan.branches.size(), found.to_string());
    } else {
      text += found.to_string();
    }
    if (text.back() != '\n') text += '\n';
  }
  json.end_list();
  if (plan.recheck) {
    const auto condition = to_text(selection.condition);
    json.field("recheck", condition);
    text += "each record is then asked: " + printable(condition) + "\n";
  }
  json.end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : text));
  return kDone;
}

Result<ExitCode> query(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto selection, arguments.query.selection());
  CAVEAT_ASSIGN(const auto format,
                arguments.format.chosen(arguments.json, format_for_standard_output()));
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  if (arguments.explain) return explain(arguments, *store, selection);
  const GracefulStop graceful(GracefulStop::Of::reading);
  CAVEAT_ASSIGN(auto output, Output::open(""));
  CAVEAT_ASSIGN(auto records, RecordStream::open(*store, selection));
  RecordPrinter printer(*store, output, format);
  CAVEAT_TRY(printer.print_all(records));
  CAVEAT_TRY(printer.finish());
  const auto token = records.resume_token();
  CAVEAT_ASSIGN(const bool cut_off, records.cut_off());
  if (cut_off) tell_user(fmt::format("resume: {}\n", token));
  return kDone;
}

}  // namespace

void add_query(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "query",
      "Print the records that meet all conditions. As a table on a terminal, as NDJSON elsewhere "
      "and with --json. Where a limit cuts them off, a token for --resume follows on standard "
      "error.",
      "caveat query STORE 'property = \"can_fly\" and confidence >= 0.8 order by created_at desc "
      "limit 10'",
      *arguments);
  add_filter(*command, arguments->query);
  add_format(*command, arguments->format, "table on a terminal, else ndjson");
  add_conditions(*command, arguments->query);
  add_ordering(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->add_flag("--explain", arguments->explain,
                    "Print which index would be used and why, instead of the records");
  command->callback([arguments, &action] { action = [arguments] { return query(*arguments); }; });
}

}  // namespace caveat::cli
