// caveat count STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
};

Result<ExitCode> count(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto query, arguments.query.query());
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(const auto matches, store->count(query));
  JsonWriter json;
  json.begin_object().field("count", matches).end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : fmt::format("{}\n", matches)));
  return kDone;
}

}  // namespace

void add_count(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(app, "count", "Count the records that meet all conditions.",
                              "caveat count STORE --property General_Category", *arguments);
  add_conditions(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->callback([arguments, &action] { action = [arguments] { return count(*arguments); }; });
}

}  // namespace caveat::cli
