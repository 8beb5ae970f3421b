// caveat count STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
};

Result<ExitCode> count(const Arguments& arguments) {
  CAVEAT_ASSIGN(auto selection, arguments.query.selection());
  // As many in any order, so that a query's filter can be counted as it stands.
  selection.query.order = QueryOrder::key;
  selection.query.descending = false;
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  const GracefulStop graceful(GracefulStop::Of::reading);
  const auto counted = count_of(*store, selection, stop_requested);
  if (!counted) return fail(interrupted(counted.error(), "not everything was counted"));
  JsonWriter json;
  json.begin_object().field("count", *counted).end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : fmt::format("{}\n", *counted)));
  return kDone;
}

}  // namespace

void add_count(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "count",
      "Count the records that meet all conditions. A filter's order makes no difference; its limit "
      "is "
      "the most that is counted.",
      "caveat count STORE 'source in (Detected, Conflict) and confidence < 0.5'", *arguments);
  add_filter(*command, arguments->query, FilterTail::none);
  add_conditions(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->callback([arguments, &action] { action = [arguments] { return count(*arguments); }; });
}

}  // namespace caveat::cli
