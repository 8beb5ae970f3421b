// caveat import STORE FILE
#include <fmt/format.h>

#include <chrono>

#include "tools/cli/command.h"
#include "tools/cli/importer.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string file;
  std::string on_error = "stop";
  bool must_be_new = false;
  bool must_exist = false;
  std::size_t memory_mib = 0;
};

Result<StorageOptimizer> open_store(const Arguments& arguments) {
  WriteAccess access;
  access.presence = arguments.must_be_new  ? Presence::must_be_new
                    : arguments.must_exist ? Presence::must_exist
                                           : Presence::any;
  access.memory_mib = arguments.memory_mib;
  return open_to_write(arguments.store, access);
}

std::string summary(const Arguments& arguments, const ImportCounts& counts, double seconds) {
  const double rate = static_cast<double>(counts.records) / std::max(seconds, 1e-9);
  if (arguments.json) {
    JsonWriter json;
    json.begin_object()
        .field("records", counts.records)
        .field("bad_lines", counts.bad_lines)
        .flag("complete", !counts.stopped)
        .field("seconds", seconds)
        .field("records_per_second", rate)
        .end_object();
    return json.text();
  }
  return fields_text({{"records", grouped(counts.records)},
                      {"bad lines", grouped(counts.bad_lines)},
                      {"time", human_duration(seconds * 1e9)},
                      {"rate", grouped(static_cast<std::uint64_t>(rate)) + " records/s"}});
}

std::string stored_so_far(std::uint64_t records) {
  if (records == 0) return "none of the records is stored";
  if (records == 1) return "the first record is stored, the rest is not";
  return fmt::format("the first {} records are stored, the rest is not", records);
}

Result<ExitCode> import(const Arguments& arguments) {
  const GracefulStop graceful;
  const bool skip = arguments.on_error == "skip";
  CAVEAT_ASSIGN(auto lines, LineSource::open(arguments.file));
  CAVEAT_ASSIGN(auto store, open_store(arguments));

  const auto start = std::chrono::steady_clock::now();
  ProgressLine progress;
  Importer::Callbacks callbacks;
  callbacks.on_bad_line = [&](std::uint64_t line, const std::string& reason) {
    progress.clear();
    report_error({ErrorCode::invalid_argument, fmt::format("line {}: {}", line, reason)});
    return skip;
  };
  callbacks.on_progress = [&](std::uint64_t records) {
    progress.update("import", static_cast<double>(lines.bytes_read()),
                    static_cast<double>(lines.bytes_total()), records);
    return !stop_requested();
  };
  const auto budget =
      arguments.memory_mib != 0 ? arguments.memory_mib * kMiB : Options().memory_budget_bytes;
  Importer importer(store, budget, std::move(callbacks));
  auto ended = importer.run(lines);
  if (!ended && !lines.failed()) {
    ended = fail(ended.error().within(stored_so_far(importer.counts().records)));
  }
  const auto closed = store.close();
  if (ended) ended = closed;
  progress.clear();
  const auto& counts = importer.counts();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CAVEAT_TRY(print(summary(arguments, counts, took.count())));
  if (!ended && lines.failed()) {
    // Not the store's fault, which advice would suggest.
    report_error(ended.error());
    return exit_code_of(ended.error().code());
  }
  CAVEAT_TRY(ended);
  if (counts.stopped && stop_requested()) {
    return fail(
        ErrorCode::cancelled,
        fmt::format("interrupted: the first {} records are stored; run it again for the rest",
                    grouped(counts.records)));
  }
  return counts.bad_lines > 0 && !skip ? kDataError : kDone;
}

}  // namespace

void add_import(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "import",
      "Read records (NDJSON, plain or zstd) into a store. A record whose key is there replaces "
      "it, so an import that was killed is simply run again.",
      "caveat import STORE records.ndjson.zst --on-error skip", *arguments);
  command->add_option("FILE", arguments->file, "A file, or - for standard input")->required();
  command
      ->add_option("--on-error", arguments->on_error,
                   "What to do at a bad line, after reporting it: stop (the default; records "
                   "before it stay, exit code 1) or skip")
      ->choices({"stop", "skip"});
  auto* is_new = command->add_flag("--new", arguments->must_be_new, "Refuse a store that is there");
  command->add_flag("--existing", arguments->must_exist, "Refuse to make a store")
      ->excludes(is_new);
  add_memory(*command, arguments->memory_mib);
  command->callback([arguments, &action] { action = [arguments] { return import(*arguments); }; });
}

}  // namespace caveat::cli
