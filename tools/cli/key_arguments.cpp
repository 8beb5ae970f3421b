#include "tools/cli/key_arguments.h"

#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/query_arguments.h"

namespace caveat::cli {

Result<ExceptionKey> KeyArguments::key() const {
  ExceptionKey key;
  CAVEAT_ASSIGN(key.node_id, parse_unsigned("NODE", node));
  if (is_hash) {
    CAVEAT_ASSIGN(key.property_hash, parse_unsigned("PROPERTY", property));
  } else {
    key.property_hash = hash_property(property);
  }
  return key;
}

StorageError KeyArguments::not_found() const {
  return {ErrorCode::not_found,
          property.empty()
              ? fmt::format("node {} has no exceptions", node)
              : fmt::format("node {} has no exception of property \"{}\"", node, property)};
}

void add_key(Command& command, KeyArguments& arguments, bool property_required,
             bool node_required) {
  command.add_option("NODE", arguments.node, "The node's number")->required(node_required);
  command.add_option("PROPERTY", arguments.property, "The property's name")
      ->required(property_required);
  command.add_flag("--hash", arguments.is_hash,
                   "PROPERTY is a hash: decimal, or 0x and hex digits");
}

}  // namespace caveat::cli
