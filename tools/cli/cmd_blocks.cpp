// caveat blocks STORE [--show N]
#include "caveat/compressed_exception_store.h"
#include "engine/store/engine.h"
#include "tools/cli/block_report.h"
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/record_printer.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string show;
  bool records = false;
};

Result<ExitCode> list(const Arguments& arguments, StorageOptimizer& store) {
  CAVEAT_ASSIGN(const auto partitions, CompressedExceptionStore(store).partitions());
  const auto waiting = store.estimate_storage_statistics().delta_rows;
  CAVEAT_TRY(print(arguments.json ? partitions_json(partitions, waiting)
                                  : partitions_text(partitions, waiting)));
  return kDone;
}

// The rows of the block as they are stored, whatever runs and removals say over them.
Result<ExitCode> print_rows(StorageOptimizer& store, std::string_view block) {
  const auto bytes = std::make_shared<const std::string>(block);
  CAVEAT_ASSIGN(const auto decoded,
                DecodedBlock::open(bytes, 0, bytes->size(), store.engine().block_resolver()));
  CAVEAT_TRY(decoded->load(kAllColumns));
  CAVEAT_ASSIGN(auto output, Output::open(""));
  RecordPrinter printer(store, output);
  for (std::uint32_t row = 0; row < decoded->row_count(); ++row) {
    auto record = decoded->view(row);
    record.key.node_id = decoded->node(row);
    const auto hash = store.engine().core().catalogue.hash_of(decoded->property_id(row));
    if (!hash) return fail(ErrorCode::corruption, "block: a property id is unknown");
    record.key.property_hash = *hash;
    CAVEAT_TRY(printer.print(record));
  }
  CAVEAT_TRY(output.finish());
  return kDone;
}

Result<ExitCode> show(const Arguments& arguments, StorageOptimizer& store) {
  CAVEAT_ASSIGN(const auto id, parse_unsigned("--show", arguments.show));
  CAVEAT_ASSIGN(const auto container, CompressedExceptionStore(store).container(id));
  CAVEAT_ASSIGN(const auto layout, parse_container(container));
  if (arguments.records) {
    if (!layout.block) return kDone;
    return print_rows(store, *layout.block);
  }
  const auto report = describe_container(layout, store.engine().block_resolver());
  CAVEAT_TRY(print(arguments.json ? container_json(report) : container_text(report)));
  return report.stopped() ? kDataError : kDone;
}

Result<ExitCode> blocks(const Arguments& arguments) {
  if (arguments.records && arguments.show.empty()) {
    return fail(ErrorCode::invalid_argument, "--records needs --show");
  }
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  return arguments.show.empty() ? list(arguments, *store) : show(arguments, *store);
}

}  // namespace

void add_blocks(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "blocks",
      "List the partitions that records are kept in, or decode the block of one: its header, "
      "columns and string frames.",
      "caveat blocks STORE --show 12", *arguments);
  command->add_option("--show", arguments->show, "Decode the partition with this id")
      ->type_name("ID");
  command->add_flag("--records", arguments->records,
                    "With --show: print the rows of the block as NDJSON instead");
  command->callback([arguments, &action] { action = [arguments] { return blocks(*arguments); }; });
}

}  // namespace caveat::cli
