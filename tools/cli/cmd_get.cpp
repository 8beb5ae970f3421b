// caveat get STORE NODE [PROPERTY]
#include "tools/cli/command.h"
#include "tools/cli/key_arguments.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

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
  const auto otherwise = is_terminal(stdout) ? RecordFormat::table_or_card : RecordFormat::ndjson;
  CAVEAT_ASSIGN(const auto format, arguments.format.chosen(arguments.json, otherwise));
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
      "Print the exception of a node's property, or all of a node. On a terminal one is shown "
      "whole, "
      "a field a line, and several as a table; elsewhere, and with --json, they are NDJSON.",
      "caveat get STORE 62 General_Category", *arguments);
  add_key(*command, arguments->key, false, true);
  add_format(*command, arguments->format, "card or table on a terminal, else ndjson");
  command->callback([arguments, &action] { action = [arguments] { return get(*arguments); }; });
}

}  // namespace caveat::cli
