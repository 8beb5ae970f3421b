// What a command is: it adds itself to the command line, and leaves an action when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "caveat/error.h"
#include "tools/cli/exit_code.h"

namespace caveat::cli {

using Action = std::function<Result<ExitCode>()>;

// One file each, cmd_<name>.cpp. Adds the subcommand; if it is used, `action` is set.
void add_import(CLI::App& app, Action& action);
void add_dump(CLI::App& app, Action& action);
void add_get(CLI::App& app, Action& action);
void add_query(CLI::App& app, Action& action);
void add_count(CLI::App& app, Action& action);
void add_put(CLI::App& app, Action& action);
void add_remove(CLI::App& app, Action& action);
void add_stats(CLI::App& app, Action& action);
void add_metrics(CLI::App& app, Action& action);
void add_blocks(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_optimize(CLI::App& app, Action& action);
void add_compact(CLI::App& app, Action& action);
void add_rebuild_indexes(CLI::App& app, Action& action);
void add_repair(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_backup(CLI::App& app, Action& action);
void add_restore(CLI::App& app, Action& action);

// What every command has: a name, what it is for, an example, the store, and --json.
struct CommonArguments {
  std::string store;
  bool json = false;
};
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& purpose,
                      const std::string& example, CommonArguments& common);

// One sentence on stderr.
void report_error(const StorageError& error);

}  // namespace caveat::cli
