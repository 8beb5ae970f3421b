#include "tools/cli/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "caveat/version.h"
#include "tools/cli/command.h"
#include "tools/cli/empty_values.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

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
  add_metrics(app, action);
  add_blocks(app, action);
  add_verify(app, action);
  add_optimize(app, action);
  add_compact(app, action);
  add_rebuild_indexes(app, action);
  add_repair(app, action);
  add_report(app, action);
  add_backup(app, action);
  add_restore(app, action);
}

// How many letters to add, drop or change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row.back();
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

bool is_command(const CLI::App& app, std::string_view word) {
  const auto commands = commands_of(app);
  return std::any_of(commands.begin(), commands.end(),
                     [&](const auto* command) { return command->get_name() == word; });
}

// The sentence for a first word that is no command, or for none.
std::string no_command(const CLI::App& app, const char* word) {
  if (word == nullptr) return "a command is needed; \"caveat --help\" lists them";
  std::string nearest;
  std::size_t best = 3;  // farther ones are no help
  for (const auto* command : commands_of(app)) {
    const auto& name = command->get_name();
    const bool begun = name.starts_with(word);
    const std::size_t away = begun ? 0 : distance(word, name);
    if (away < best && (begun || away < name.size() / 2)) {
      best = away;
      nearest = name;
    }
  }
  return fmt::format("\"{}\" is no command; {}", word,
                     nearest.empty() ? "\"caveat --help\" lists them"
                                     : fmt::format("did you mean \"{}\"?", nearest));
}

// CLI11 signals help, version and wrong usage by exceptions of its own.
int finish(const CLI::App& app, const CLI::ParseError& signal) {
  if (signal.get_exit_code() == 0) return app.exit(signal) == 0 ? kDone : kUsageError;
  report_error({ErrorCode::invalid_argument, std::string(signal.what())});
  return kUsageError;
}

// Damage says what to do next. Where the store did not open, the error has said so already: verify
// could not look any further.
StorageError advised(const StorageError& error) {
  if (error.code() != ErrorCode::corruption || !store_was_opened()) return error;
  return {error.code(), error.message() + "; \"caveat verify STORE\" lists all that is damaged"};
}

int perform(const Action& action) {
  const auto code = action();
  for (const auto& error : take_background_errors()) {
    if (code || code.error().code() != error.code()) report_error(error);
  }
  if (code) return signal_exit_code().value_or(*code);
  if (code.error().code() == ErrorCode::cancelled) {
    // By a signal, or because the reader of our output had enough, which is no failure.
    return signal_exit_code().value_or(kDone);
  }
  report_error(advised(code.error()));
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
  const bool option = argc > 1 && argv[1][0] == '-';
  if (!option && (argc < 2 || !is_command(app, argv[1]))) {
    report_error({ErrorCode::invalid_argument, no_command(app, argc < 2 ? nullptr : argv[1])});
    return kUsageError;
  }
  try {
    auto words = command_line(argc, argv);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& signal) {
    return finish(app, signal);
  }
  if (const auto whole = refuse_empty_values(app); !whole) {
    report_error(whole.error());
    return kUsageError;
  }
  return perform(action);
}

}  // namespace

void report_error(const StorageError& error) {
  auto message = error.message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  fmt::print(stderr, "caveat: {}\n", printable(message));
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
