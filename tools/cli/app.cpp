#include "tools/cli/app.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "caveat/version.h"
#include "tools/cli/command.h"
#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

constexpr const char* kPurpose =
    "caveat keeps exceptions to inherited property values; this is the tool to look inside a "
    "store.\nThe store's directory is the first argument of every command.";

void add_commands(CLI::App& app, Action& action) {
  add_import(app, action);
  add_dump(app, action);
  add_get(app, action);
  add_query(app, action);
  add_count(app, action);
  add_put(app, action);
  add_remove(app, action);
  add_stats(app, action);
  add_blocks(app, action);
  add_verify(app, action);
  add_optimize(app, action);
  add_compact(app, action);
  add_rebuild_indexes(app, action);
}

// CLI11 signals help, version and wrong usage by exceptions of its own.
int finish(const CLI::App& app, const CLI::ParseError& signal) {
  if (signal.get_exit_code() == 0) return app.exit(signal) == 0 ? kDone : kUsageError;
  report_error({ErrorCode::invalid_argument, std::string(signal.what())});
  return kUsageError;
}

int perform(const Action& action) {
  const auto code = action();
  if (code) return signal_exit_code().value_or(*code);
  if (code.error().code() == ErrorCode::cancelled) {
    // By a signal, or because the reader of our output had enough, which is no failure.
    return signal_exit_code().value_or(kDone);
  }
  report_error(code.error());
  return exit_code_of(code.error().code());
}

int parse_and_perform(int argc, char** argv) {
  CLI::App app(kPurpose, "caveat");
  app.set_version_flag("--version", std::string("caveat ") + CAVEAT_VERSION_STRING);
  app.require_subcommand(1);
  app.footer(std::string("\n") + std::string(exit_code_table()) +
             "\n\nExample: caveat import STORE records.ndjson.zst && caveat stats STORE");
  Action action;
  add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& signal) {
    return finish(app, signal);
  }
  return perform(action);
}

}  // namespace

void report_error(const StorageError& error) {
  auto message = error.message();
  for (auto& c : message) {
    if (c == '\n') c = ' ';
  }
  fmt::print(stderr, "caveat: {}\n", message);
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& purpose,
                      const std::string& example, CommonArguments& common) {
  // The list of commands shows the first sentence, the command's own help all of them.
  const auto dot = purpose.find(". ");
  auto* command =
      app.add_subcommand(name, purpose.substr(0, dot == std::string::npos ? dot : dot + 1));
  command->add_option("STORE", common.store, "The store's directory")->required();
  command->add_flag("--json", common.json, "Print JSON for programs");
  const auto rest = dot == std::string::npos ? "" : "\n" + purpose.substr(dot + 2) + "\n";
  command->footer(rest + "\nExample: " + example);
  return command;
}

int run(int argc, char** argv) {
  start_signal_thread();
  try {
    return parse_and_perform(argc, argv);
  } catch (const std::bad_alloc&) {
    report_error({ErrorCode::internal, "out of memory"});
  } catch (const std::exception& error) {
    report_error({ErrorCode::internal, error.what()});
  }
  return kInternalError;
}

}  // namespace caveat::cli
