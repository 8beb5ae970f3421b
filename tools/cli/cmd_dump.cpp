// caveat dump STORE
#include "tools/cli/command.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
  std::string output;
};

Result<ExitCode> dump(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto query, arguments.query.query());
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(auto output, Output::open(arguments.output));
  CAVEAT_ASSIGN(auto cursor, store->query(query));
  RecordPrinter printer(*store, output);
  CAVEAT_TRY(printer.print_all(cursor));
  CAVEAT_TRY(output.finish());
  return kDone;
}

}  // namespace

void add_dump(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "dump",
      "Write all records, or those of a query, as NDJSON that import reads back. --json changes "
      "nothing.",
      "caveat dump STORE -o records.ndjson", *arguments);
  command
      ->add_option(
          "-o,--output", arguments->output,
          "Write this file, which appears once it is whole, instead of standard output. One that "
          "is there keeps its mode and, through a link, its place; a pipe or a device is "
          "written to as it is")
      ->type_name("FILE");
  add_conditions(*command, arguments->query);
  add_ordering(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->callback([arguments, &action] { action = [arguments] { return dump(*arguments); }; });
}

}  // namespace caveat::cli
