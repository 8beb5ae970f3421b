// caveat remove STORE NODE PROPERTY
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/key_arguments.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  KeyArguments key;
  std::string clear_node;
  std::string clear_property;
};

Result<void> check(const Arguments& arguments) {
  const int ways = int{!arguments.key.node.empty() || !arguments.key.property.empty()} +
                   int{!arguments.clear_node.empty()} + int{!arguments.clear_property.empty()};
  if (ways == 1 && arguments.key.node.empty() == arguments.key.property.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              "remove needs NODE and PROPERTY, --clear-node or --clear-property");
}

struct Removed {
  std::string what;
  std::uint64_t records = 0;
};

// Everything that meets the condition, by `clear`; not_found where that is nothing.
template <class Clear>
Result<Removed> clear_all(StorageOptimizer& store, const Query& query, std::string what,
                          const Clear& clear) {
  CAVEAT_ASSIGN(const auto records, store.count(query));
  if (records == 0) return fail(ErrorCode::not_found, what + " has no exceptions");
  CAVEAT_TRY(clear());
  return Removed{std::move(what), records};
}

Result<Removed> apply(const Arguments& arguments, StorageOptimizer& store) {
  Query query;
  if (!arguments.clear_node.empty()) {
    CAVEAT_ASSIGN(const auto node, parse_unsigned("--clear-node", arguments.clear_node));
    query.node = node;
    return clear_all(store, query, fmt::format("node {}", node),
                     [&] { return store.clear_node(node); });
  }
  if (!arguments.clear_property.empty()) {
    auto property = hash_property(arguments.clear_property);
    if (arguments.key.is_hash) {
      CAVEAT_ASSIGN(property, parse_unsigned("--clear-property", arguments.clear_property));
    }
    query.property = property;
    return clear_all(store, query, fmt::format("property \"{}\"", arguments.clear_property),
                     [&] { return store.clear_property(property); });
  }
  CAVEAT_ASSIGN(const auto key, arguments.key.key());
  CAVEAT_ASSIGN(const auto taken, store.take_exception(key));
  if (!taken) return fail(arguments.key.not_found());
  return Removed{
      fmt::format("node {}, property \"{}\"", arguments.key.node, arguments.key.property), 1};
}

Result<ExitCode> remove(const Arguments& arguments) {
  CAVEAT_TRY(check(arguments));
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store));
  CAVEAT_ASSIGN(const auto removed, apply(arguments, store));
  CAVEAT_TRY(store.close());
  JsonWriter json;
  json.begin_object().flag("removed", true).field("records", removed.records).end_object();
  CAVEAT_TRY(print(arguments.json         ? json.text()
                   : removed.records == 1 ? "removed\n"
                                          : fmt::format("removed {} records of {}\n",
                                                        removed.records, printable(removed.what))));
  return kDone;
}

}  // namespace

void add_remove(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "remove",
      "Remove the exception of a node's property (exit code 3 if there is none), or everything "
      "of a node or of a property (likewise).",
      "caveat remove STORE 62 General_Category", *arguments);
  add_key(*command, arguments->key, false, false);
  command->add_option("--clear-node", arguments->clear_node, "Remove everything of this node")
      ->type_name("N");
  command
      ->add_option("--clear-property", arguments->clear_property,
                   "Remove everything of this property (a hash, with --hash)")
      ->type_name("NAME");
  command->callback([arguments, &action] { action = [arguments] { return remove(*arguments); }; });
}

}  // namespace caveat::cli
