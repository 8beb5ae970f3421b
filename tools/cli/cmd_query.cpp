// caveat query STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
  bool explain = false;
};

std::string plan_json(const QueryPlan& plan) {
  JsonWriter json;
  json.begin_object()
      .field("index", to_string(plan.index))
      .field("partitions_total", plan.partitions_total)
      .field("partitions_visited", plan.partitions_visited)
      .field("delta_rows", plan.delta_rows)
      .begin_list("candidates");
  for (const auto& candidate : plan.candidates) {
    json.begin_object()
        .field("index", to_string(candidate.index))
        .field("partitions", candidate.partitions)
        .flag("used", candidate.used)
        .field("reason", candidate.reason)
        .end_object();
  }
  json.end_list().end_object();
  return json.text();
}

Result<ExitCode> explain(const Arguments& arguments, StorageOptimizer& store, const Query& query) {
  CAVEAT_ASSIGN(const auto plan, store.explain(query));
  auto text = arguments.json ? plan_json(plan) : plan.to_string();
  if (text.empty() || text.back() != '\n') text += '\n';
  CAVEAT_TRY(print(text));
  return kDone;
}

Result<ExitCode> query(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto query, arguments.query.query());
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  if (arguments.explain) return explain(arguments, *store, query);
  CAVEAT_ASSIGN(auto output, Output::open(""));
  // One more than is printed tells whether the limit has cut anything off.
  Query asked = query;
  if (query.limit != 0 && query.limit != Query().limit) ++asked.limit;
  CAVEAT_ASSIGN(auto cursor, store->query(asked));
  RecordPrinter printer(*store, output);
  CAVEAT_TRY(printer.print(cursor, query.limit));
  const auto token = cursor.resume_token();
  const bool full = printer.printed() > 0 && printer.printed() == query.limit;
  bool cut_off = false;
  if (full) {
    CAVEAT_ASSIGN(const auto* next, cursor.next());
    cut_off = next != nullptr;
  }
  CAVEAT_TRY(output.finish());
  if (cut_off) fmt::print(stderr, "resume: {}\n", token);
  return kDone;
}

}  // namespace

void add_query(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "query",
      "Print the records that meet all conditions, as NDJSON. Where --limit cuts them off, a "
      "token for --resume follows on standard error.",
      "caveat query STORE --source Detected --confidence 0.5..0.7 --time 2022-01-01..2022-02-01 "
      "--order time --limit 10",
      *arguments);
  add_conditions(*command, arguments->query);
  add_ordering(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->add_flag("--explain", arguments->explain,
                    "Print which index would be used and why, instead of the records");
  command->callback([arguments, &action] { action = [arguments] { return query(*arguments); }; });
}

}  // namespace caveat::cli
