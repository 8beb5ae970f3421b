// caveat dump STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/damaged_store.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  QueryArguments query;
  FormatArguments format;
  std::string output;
  bool skip_damaged = false;
};

// All that can be read. How often something was left out.
Result<std::size_t> print_readable(RecordStream& records, RecordPrinter& printer) {
  std::size_t skipped = 0;
  for (;;) {
    const auto ended = printer.print_all(records);
    if (ended) return skipped;
    if (ended.error().code() != ErrorCode::corruption || !records.skip_damage()) {
      return fail(ended.error());
    }
    report_error(ended.error().within("left out"));
    ++skipped;
  }
}

// With --skip-damaged a store that does not open is read file by file.
Result<DamagedStore> open(const Arguments& arguments) {
  if (!arguments.skip_damaged) {
    CAVEAT_ASSIGN(auto sound, InspectedStore::open(arguments.store));
    return DamagedStore(std::move(sound));
  }
  CAVEAT_ASSIGN(auto store, DamagedStore::open(arguments.store));
  for (const SalvageLoss& loss : store.losses()) {
    if (loss.of_records) report_error({ErrorCode::corruption, "left out: " + loss.sentence()});
  }
  return store;
}

// A file that is not whole does not appear.
StorageError of_file(const StorageError& error, const std::string& file) {
  if (error.code() != ErrorCode::cancelled || file.empty() || file == "-") return error;
  return {error.code(), fmt::format("{}; {} was not written", error.message(), file)};
}

Result<ExitCode> dump(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto selection, arguments.query.selection());
  CAVEAT_ASSIGN(const auto format, arguments.format.chosen(arguments.json, RecordFormat::ndjson));
  CAVEAT_ASSIGN(auto store, open(arguments));
  const GracefulStop graceful(GracefulStop::Of::reading);
  CAVEAT_ASSIGN(auto output, Output::open_outside(arguments.output, arguments.store));
  CAVEAT_ASSIGN(auto records, RecordStream::open(*store, selection));
  RecordPrinter printer(*store, output, format);
  std::size_t skipped = 0;
  if (arguments.skip_damaged) {
    CAVEAT_ASSIGN(skipped, print_readable(records, printer));
  } else if (const auto ended = printer.print_all(records); !ended) {
    return fail(of_file(ended.error(), arguments.output));
  }
  CAVEAT_TRY(printer.finish());
  return skipped == 0 && !store.has_lost_records() ? kDone : kDataError;
}

}  // namespace

void add_dump(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "dump",
      "Write all records, or those of a query, as NDJSON that import reads back, or as CSV. --json "
      "changes nothing.",
      "caveat dump STORE -o records.ndjson", *arguments);
  add_filter(*command, arguments->query);
  command
      ->add_option(
          "-o,--output", arguments->output,
          "Write this file, which appears once it is whole, instead of standard output. One that "
          "is there keeps its mode and, through a link, its place; a pipe or a device is "
          "written to as it is")
      ->type_name("FILE");
  command->add_flag("--skip-damaged", arguments->skip_damaged,
                    "Go on behind what cannot be read, each place named on standard error, also "
                    "in a store that does not open; exit code 1 if there was any");
  add_format(*command, arguments->format, "ndjson, if it is not given");
  add_conditions(*command, arguments->query);
  add_ordering(*command, arguments->query);
  add_limit(*command, arguments->query);
  command->callback([arguments, &action] { action = [arguments] { return dump(*arguments); }; });
}

}  // namespace caveat::cli
