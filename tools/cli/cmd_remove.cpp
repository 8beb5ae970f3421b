// caveat remove STORE NODE PROPERTY
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/key_arguments.h"
#include "tools/cli/output.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/store_access.h"

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

Result<void> apply(const Arguments& arguments, StorageOptimizer& store) {
  if (!arguments.clear_node.empty()) {
    CAVEAT_ASSIGN(const auto node, parse_unsigned("--clear-node", arguments.clear_node));
    return store.clear_node(node);
  }
  if (!arguments.clear_property.empty()) {
    if (!arguments.key.is_hash)
      return store.clear_property(hash_property(arguments.clear_property));
    CAVEAT_ASSIGN(const auto hash, parse_unsigned("--clear-property", arguments.clear_property));
    return store.clear_property(hash);
  }
  CAVEAT_ASSIGN(const auto key, arguments.key.key());
  CAVEAT_ASSIGN(const auto taken, store.take_exception(key));
  if (!taken) return fail(arguments.key.not_found());
  return {};
}

Result<ExitCode> remove(const Arguments& arguments) {
  CAVEAT_TRY(check(arguments));
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store));
  CAVEAT_TRY(apply(arguments, store));
  CAVEAT_TRY(store.close());
  JsonWriter json;
  json.begin_object().flag("removed", true).end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : "removed\n"));
  return kDone;
}

}  // namespace

void add_remove(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "remove",
      "Remove the exception of a node's property (exit code 3 if there is none), or everything "
      "of a node or of a property.",
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
