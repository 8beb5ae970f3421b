// caveat optimize STORE
#include <fmt/format.h>

#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::size_t memory_mib = 0;
};

std::string json_of(const OptimizationResults& done, const std::vector<std::string>& damage) {
  JsonWriter json;
  json.begin_object()
      .field("partitions_rewritten", done.partitions_rewritten)
      .field("partitions_split", done.partitions_split)
      .field("partitions_joined", done.partitions_joined)
      .field("partitions_skipped", done.partitions_skipped)
      .field("hints_removed", done.hints_removed)
      .field("indexes_rebuilt", done.indexes_rebuilt)
      .field("dictionaries_trained", done.dictionaries_trained)
      .field("values_reencrypted", done.values_reencrypted)
      .field("bytes_before", done.bytes_before)
      .field("bytes_after", done.bytes_after)
      .field("memory_saved", done.memory_saved)
      .field("compression_ratio_before", done.compression_ratio_before)
      .field("compression_ratio_after", done.compression_ratio_after)
      .field("duration_ns", done.duration_ns)
      .begin_list("damage");
  for (const auto& error : damage) json.field("", printable(error));
  json.end_list().end_object();
  return json.text();
}

std::string text_of(const OptimizationResults& done) {
  return fields_text(
      {{"partitions rewritten", grouped(done.partitions_rewritten)},
       {"left as they are", grouped(done.partitions_skipped)},
       {"split, joined", grouped(done.partitions_split) + ", " + grouped(done.partitions_joined)},
       {"hints removed", grouped(done.hints_removed)},
       {"indexes rebuilt", grouped(done.indexes_rebuilt)},
       {"dictionaries trained", grouped(done.dictionaries_trained)},
       {"values encrypted anew", grouped(done.values_reencrypted)},
       {"before", human_bytes(done.bytes_before)},
       {"after", human_bytes(done.bytes_after)},
       {"saved", human_bytes(done.memory_saved)},
       {"compression ratio", fmt::format("{:.2f}, before {:.2f}", done.compression_ratio_after,
                                         done.compression_ratio_before)},
       {"time", human_duration(static_cast<double>(done.duration_ns))}});
}

std::string advice(const std::string& store) {
  return "to give back the disk space of what was replaced, run: caveat compact " +
         printable(store) + "\n";
}

Result<ExitCode> optimize(const Arguments& arguments) {
  const GracefulStop graceful;
  WriteAccess access;
  access.memory_mib = arguments.memory_mib;
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store, access));
  ProgressReporter progress;
  const auto ended = store.optimize_storage(&progress);
  progress.clear();
  if (!ended)
    return fail(interrupted(ended.error(), "what was done stays, and the next run goes on"));
  const auto& done = *ended;
  CAVEAT_TRY(store.close());
  const auto damage = damage_told();  // left as it is
  CAVEAT_TRY(print(arguments.json ? json_of(done, damage) : text_of(done)));
  if (!arguments.json) CAVEAT_TRY(print(advice(arguments.store)));
  return damage.empty() && !done.first_error ? kDone : kDataError;
}

}  // namespace

void add_optimize(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "optimize",
      "Fold recent writes, rewrite partitions densely, retrain dictionaries, purge stale hints. "
      "What was replaced takes disk space until \"caveat compact\" gives it back. Ctrl-C ends it "
      "between two steps; what was done stays. A partition that cannot be read stays as it is, is "
      "named, and gives exit code 1.",
      "caveat optimize STORE && caveat compact STORE", *arguments);
  add_memory(*command, arguments->memory_mib);
  command->callback(
      [arguments, &action] { action = [arguments] { return optimize(*arguments); }; });
}

}  // namespace caveat::cli
