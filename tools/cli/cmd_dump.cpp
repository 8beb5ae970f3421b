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
  bool skip_damaged = false;
};

// All that can be read. How often something was left out.
Result<std::size_t> print_readable(Cursor& cursor, RecordPrinter& printer) {
  std::size_t skipped = 0;
  for (;;) {
    const auto record = cursor.next();
    if (record && *record == nullptr) return skipped;
    if (record) {
      CAVEAT_TRY(printer.print(**record));
      continue;
    }
    if (!cursor.skip_damage()) return fail(record.error());
    report_error(record.error().within("left out"));
    ++skipped;
  }
}

Result<ExitCode> dump(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto query, arguments.query.query());
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(auto output, Output::open(arguments.output));
  CAVEAT_ASSIGN(auto cursor, store->query(query));
  RecordPrinter printer(*store, output);
  if (!arguments.skip_damaged) {
    CAVEAT_TRY(printer.print_all(cursor));
    CAVEAT_TRY(output.finish());
    return kDone;
  }
  CAVEAT_ASSIGN(const std::size_t skipped, print_readable(cursor, printer));
  CAVEAT_TRY(output.finish());
  return skipped == 0 ? kDone : kDataError;
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
  command->add_flag("--skip-damaged", arguments->skip_damaged,
                    "Go on behind partitions that cannot be read, each named on standard error; "
                    "exit code 1 if there were any");
  add_conditions(*command, arguments->query);
  add_ordering(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->callback([arguments, &action] { action = [arguments] { return dump(*arguments); }; });
}

}  // namespace caveat::cli
