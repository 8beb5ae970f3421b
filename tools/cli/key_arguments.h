// NODE PROPERTY, as get and remove take them.
#pragma once

#include <string>

#include "caveat/types.h"

namespace CLI {
class App;
}

namespace caveat::cli {

struct KeyArguments {
  std::string node;
  std::string property;
  bool is_hash = false;

  [[nodiscard]] Result<ExceptionKey> key() const;
  // "node 62 has no exception of property "x""
  [[nodiscard]] StorageError not_found() const;
};

void add_key(CLI::App& command, KeyArguments& arguments, bool property_required,
             bool node_required);

}  // namespace caveat::cli
