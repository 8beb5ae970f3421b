// caveat get STORE NODE [PROPERTY]
#include "tools/cli/command.h"
#include "tools/cli/key_arguments.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  KeyArguments key;
  FormatArguments format;
};

Result<void> print_one(const ExceptionKey& key, StorageOptimizer& store, RecordPrinter& printer) {
  CAVEAT_ASSIGN(const auto record, store.retrieve_view(key));
  if (record) CAVEAT_TRY(printer.print(**record));
  return {};
}

Result<void> print_node(NodeId node, StorageOptimizer& store, RecordPrinter& printer) {
  Selection selection;
  selection.query.node = node;
  CAVEAT_ASSIGN(auto records, RecordStream::open(store, selection));
  return printer.print_all(records);
}

Result<ExitCode> get(const Arguments& arguments) {
  const bool whole_node = arguments.key.property.empty();
  ExceptionKey key;
  if (whole_node) {
    CAVEAT_ASSIGN(key.node_id, parse_unsigned("NODE", arguments.key.node));
  } else {
    CAVEAT_ASSIGN(key, arguments.key.key());
  }
  CAVEAT_ASSIGN(const auto format,
                arguments.format.chosen(arguments.json, format_for_standard_output()));
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  CAVEAT_ASSIGN(auto output, Output::open(""));
  RecordPrinter printer(*store, output, format);
  CAVEAT_TRY(whole_node ? print_node(key.node_id, *store, printer)
                        : print_one(key, *store, printer));
  if (printer.printed() == 0) return fail(arguments.key.not_found());
  CAVEAT_TRY(printer.finish());
  return kDone;
}

}  // namespace

void add_get(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "get",
      "Print the exception of a node's property, or all of a node. As a table on a terminal, as "
      "NDJSON elsewhere and with --json.",
      "caveat get STORE 62 General_Category", *arguments);
  add_key(*command, arguments->key, false, true);
  add_format(*command, arguments->format, "table on a terminal, else ndjson");
  command->callback([arguments, &action] { action = [arguments] { return get(*arguments); }; });
}

}  // namespace caveat::cli
