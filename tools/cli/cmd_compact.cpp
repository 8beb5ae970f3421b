// caveat compact STORE
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

std::string json_of(const CompactionResults& done) {
  JsonWriter json;
  json.begin_object()
      .field("disk_bytes_before", done.disk_bytes_before)
      .field("disk_bytes_after", done.disk_bytes_after)
      .field("bytes_reclaimed", done.bytes_reclaimed)
      .field("duration_ns", done.duration_ns)
      .end_object();
  return json.text();
}

std::string text_of(const CompactionResults& done) {
  return fields_text({{"on disk before", human_bytes(done.disk_bytes_before)},
                      {"on disk after", human_bytes(done.disk_bytes_after)},
                      {"given back", human_bytes(done.bytes_reclaimed)},
                      {"time", human_duration(static_cast<double>(done.duration_ns))}});
}

Result<ExitCode> compact(const CommonArguments& arguments) {
  const GracefulStop graceful;
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store));
  ProgressReporter progress;
  const auto ended = store.compact_storage(&progress);
  progress.clear();
  if (!ended)
    return fail(interrupted(ended.error(), "what was done stays, and the next run goes on"));
  const auto& done = *ended;
  CAVEAT_TRY(store.close());
  CAVEAT_TRY(print(arguments.json ? json_of(done) : text_of(done)));
  return kDone;
}

}  // namespace

void add_compact(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<CommonArguments>();
  auto* command = add_command(app, "compact", "Give space back to the file system.",
                              "caveat compact STORE", *arguments);
  command->callback([arguments, &action] { action = [arguments] { return compact(*arguments); }; });
}

}  // namespace caveat::cli
