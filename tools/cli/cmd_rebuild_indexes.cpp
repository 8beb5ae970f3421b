// caveat rebuild-indexes STORE
#include <chrono>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

Result<ExitCode> rebuild(const CommonArguments& arguments) {
  const GracefulStop graceful;
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store));
  const auto start = std::chrono::steady_clock::now();
  ProgressReporter progress;
  const auto ended = store.rebuild_indexes(&progress);
  progress.clear();
  if (!ended) {
    return fail(
        interrupted(ended.error(), "the indexes are incomplete, so queries scan; run it again"));
  }
  CAVEAT_TRY(store.close());
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
  JsonWriter json;
  json.begin_object().flag("rebuilt", true).field("duration_ns", std::int64_t{took.count()});
  json.end_object();
  CAVEAT_TRY(print(
      arguments.json ? json.text()
                     : fields_text({{"indexes rebuilt", "4"},
                                    {"time", human_duration(static_cast<double>(took.count()))}})));
  return kDone;
}

}  // namespace

void add_rebuild_indexes(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(
      app, "rebuild-indexes",
      "Make the four secondary indexes anew from the records, after damage or a killed rebuild.",
      "caveat rebuild-indexes STORE", *arguments);
  command->callback([arguments, &action] { action = [arguments] { return rebuild(*arguments); }; });
}

}  // namespace caveat::cli
