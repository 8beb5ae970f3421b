// caveat metrics STORE
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {

void add_metrics(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(
      app, "metrics",
      "Print the figures of a store in the text format of Prometheus. They are those of a copy "
      "that "
      "this command has just opened: sizes are the store's, and what is counted since a store was "
      "opened begins at 0. The counters of a process that has the store open are in the file that "
      "it writes (Options::metrics_file).",
      "caveat metrics STORE > /var/lib/node_exporter/caveat.prom", *arguments);
  command->remove_option(command->get_option("--json"));
  command->callback([arguments, &action] {
    action = [arguments]() -> Result<ExitCode> {
      CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments->store));
      CAVEAT_TRY(print(store->metrics()));
      return kDone;
    };
  });
}

}  // namespace caveat::cli
