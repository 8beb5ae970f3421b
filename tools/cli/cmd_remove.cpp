// caveat remove STORE NODE PROPERTY, or what a filter says
#include <fmt/format.h>

#include <functional>

#include "tools/cli/command.h"
#include "tools/cli/filter/record_stream.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/key_arguments.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  KeyArguments key;
  std::string clear_node;
  std::string clear_property;
  QueryArguments query;
  bool dry_run = false;
};

Result<void> check(const Arguments& arguments) {
  const int ways = int{!arguments.key.node.empty() || !arguments.key.property.empty()} +
                   int{!arguments.clear_node.empty()} + int{!arguments.clear_property.empty()} +
                   int{!arguments.query.where.empty()};
  if (ways == 1 && arguments.key.node.empty() == arguments.key.property.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              "remove needs NODE and PROPERTY, --where, --clear-node or --clear-property");
}

struct Removed {
  std::string what;
  std::uint64_t records = 0;
};

constexpr std::size_t kBatchRecords = 10'000;

// What is to be removed, and how.
struct Removal {
  std::string what;
  Selection selection;
  std::function<Result<void>(StorageOptimizer&)> clear;  // at once; empty: record by record
};

Result<Removal> removal_of(const Arguments& arguments) {
  Removal removal;
  auto& query = removal.selection.query;
  if (!arguments.clear_node.empty()) {
    CAVEAT_ASSIGN(query.node, parse_unsigned("--clear-node", arguments.clear_node));
    removal.what = fmt::format("node {}", *query.node);
    removal.clear = [node = *query.node](StorageOptimizer& store) {
      return store.clear_node(node);
    };
  } else if (!arguments.clear_property.empty()) {
    query.property = hash_property(arguments.clear_property);
    if (arguments.key.is_hash) {
      CAVEAT_ASSIGN(query.property, parse_unsigned("--clear-property", arguments.clear_property));
    }
    removal.what = fmt::format("property \"{}\"", arguments.clear_property);
    removal.clear = [property = *query.property](StorageOptimizer& store) {
      return store.clear_property(property);
    };
  } else if (!arguments.query.where.empty()) {
    CAVEAT_ASSIGN(removal.selection, arguments.query.selection());
    removal.what = "the filter";
  } else {
    CAVEAT_ASSIGN(const auto key, arguments.key.key());
    query.node = key.node_id;
    query.property = key.property_hash;
    removal.what =
        fmt::format("node {}, property \"{}\"", arguments.key.node, arguments.key.property);
  }
  return removal;
}

StorageError nothing_to_remove(const Arguments& arguments, const Removal& removal) {
  if (!arguments.key.node.empty()) return arguments.key.not_found();
  if (!removal.clear) return {ErrorCode::not_found, "no record meets the filter"};
  return {ErrorCode::not_found, removal.what + " has no exceptions"};
}

// In batches, each as a whole. The records of one version: what comes meanwhile stays.
Result<std::uint64_t> remove_each(StorageOptimizer& store, const Selection& selection) {
  CAVEAT_ASSIGN(auto records, RecordStream::open(store, selection));
  ProgressLine progress;
  WriteBatch batch;
  std::uint64_t removed = 0;
  for (;;) {
    CAVEAT_ASSIGN(const auto* const record, records.next());
    if (record != nullptr) CAVEAT_TRY(batch.remove_exception(record->key));
    if (batch.count() == kBatchRecords || (record == nullptr && !batch.empty())) {
      CAVEAT_TRY(store.write(batch));
      removed += batch.count();
      batch.clear();
      progress.update("removed", 0, 0, removed);
    }
    if (record == nullptr) return removed;
    if (stop_requested()) {
      return fail(ErrorCode::cancelled, fmt::format("interrupted: {} removed, the others are there",
                                                    counted(removed, "record is", "records are")));
    }
  }
}

Result<std::uint64_t> apply(const Arguments& arguments, const Removal& removal,
                            StorageOptimizer& store) {
  if (!arguments.key.node.empty()) {
    CAVEAT_ASSIGN(const auto key, arguments.key.key());
    CAVEAT_ASSIGN(const bool erased, store.erase_exception(key));
    return std::uint64_t{erased};
  }
  if (!removal.clear) return remove_each(store, removal.selection);
  CAVEAT_ASSIGN(const auto records, store.count(removal.selection.query));
  if (records > 0) CAVEAT_TRY(removal.clear(store));
  return records;
}

Result<std::uint64_t> look(const Arguments& arguments, const Removal& removal) {
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  return count_of(*store, removal.selection, stop_requested);
}

Result<std::uint64_t> change(const Arguments& arguments, const Removal& removal) {
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store));
  const auto removed = apply(arguments, removal, store);
  CAVEAT_TRY(store.close());
  return removed;
}

std::string text_of(const Arguments& arguments, const Removal& removal, std::uint64_t records) {
  if (arguments.dry_run) return "would remove " + counted(records, "record") + "\n";
  if (!arguments.key.node.empty()) return "removed\n";
  if (!removal.clear) return "removed " + counted(records, "record") + "\n";
  if (records == 1) return "removed\n";
  return fmt::format("removed {} of {}\n", counted(records, "record"), printable(removal.what));
}

Result<ExitCode> remove(const Arguments& arguments) {
  CAVEAT_TRY(check(arguments));
  CAVEAT_ASSIGN(const auto removal, removal_of(arguments));
  const GracefulStop graceful(arguments.dry_run ? GracefulStop::Of::reading
                                                : GracefulStop::Of::writing);
  const auto records = arguments.dry_run ? look(arguments, removal) : change(arguments, removal);
  if (!records) return fail(records.error());
  if (*records == 0) return fail(nothing_to_remove(arguments, removal));
  JsonWriter json;
  json.begin_object().flag("removed", !arguments.dry_run).field("records", *records).end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : text_of(arguments, removal, *records)));
  return kDone;
}

}  // namespace

void add_remove(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "remove",
      "Remove the exception of a node's property, what meets a filter, or everything of a node or "
      "of "
      "a property. Without a question; exit code 3 if there is nothing to remove. --dry-run only "
      "counts.",
      "caveat remove STORE --where 'source = Detected and confidence < 0.2' --dry-run", *arguments);
  add_key(*command, arguments->key, false, false);
  add_where(*command, arguments->query);
  command->add_flag("--dry-run", arguments->dry_run, "Remove nothing; say how many it would be");
  command->add_option("--clear-node", arguments->clear_node, "Remove everything of this node")
      ->type_name("N");
  command
      ->add_option("--clear-property", arguments->clear_property,
                   "Remove everything of this property (a hash, with --hash)")
      ->type_name("NAME");
  command->callback([arguments, &action] { action = [arguments] { return remove(*arguments); }; });
}

}  // namespace caveat::cli
