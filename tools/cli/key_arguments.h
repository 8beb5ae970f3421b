// NODE PROPERTY, as get and remove take them.
#pragma once

#include <string>

#include "caveat/types.h"

namespace caveat::cli {

class Command;

struct KeyArguments {
  std::string node;
  std::string property;
  bool is_hash = false;

  [[nodiscard]] Result<ExceptionKey> key() const;
  // "node 62 has no exception of property "x""
  [[nodiscard]] StorageError not_found() const;
};

void add_key(Command& command, KeyArguments& arguments, bool property_required, bool node_required);

}  // namespace caveat::cli
