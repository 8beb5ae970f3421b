// caveat blocks STORE
#include "tools/cli/command.h"

namespace caveat::cli {

void add_blocks(CLI::App& app, Action& action) {
  static_cast<void>(app);
  static_cast<void>(action);
}

}  // namespace caveat::cli
