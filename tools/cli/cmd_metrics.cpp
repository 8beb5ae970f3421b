// caveat metrics STORE
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/store_access.h"
#include "tools/cli/top/metrics.h"

namespace caveat::cli {

void add_metrics(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(
      app, "metrics",
      "Print the figures of a store in the text format of Prometheus. They are those of a copy "
      "that "
      "this command has just opened: sizes are the store's, and what is counted since a store was "
      "opened begins at 0. The counters of a process that has the store open are in the file that "
      "it writes (Options::metrics_file), which caveat top shows. With --json one object, a field "
      "for each.",
      "caveat metrics STORE > /var/lib/node_exporter/caveat.prom", *arguments);
  command->callback([arguments, &action] {
    action = [arguments]() -> Result<ExitCode> {
      CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments->store));
      const auto text = store->metrics();
      if (!arguments->json) {
        CAVEAT_TRY(print(text));
        return kDone;
      }
      CAVEAT_ASSIGN(const auto metrics, Metrics::parse(text));
      CAVEAT_TRY(print(json_of(metrics)));
      return kDone;
    };
  });
}

}  // namespace caveat::cli
