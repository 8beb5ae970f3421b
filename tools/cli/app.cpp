#include "tools/cli/app.h"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "caveat/version.h"
#include "tools/cli/command.h"
#include "tools/cli/generate.h"
#include "tools/cli/help_text.h"
#include "tools/cli/meant.h"
#include "tools/cli/output.h"
#include "tools/cli/parse.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

// The sentence for a first word that is no command, or for none.
std::string no_command(const CommandLine& line, const char* word) {
  if (word == nullptr) return "a command is needed; \"caveat --help\" lists them";
  const auto meant = meant_command(line, word);
  return fmt::format(
      "\"{}\" is no command; {}", word,
      meant.empty() ? "\"caveat --help\" lists them" : fmt::format("did you mean \"{}\"?", meant));
}

// Damage says what to do next. Where the store did not open, the error has said so already: verify
// could not look any further.
StorageError advised(const StorageError& error) {
  if (error.code() != ErrorCode::corruption || !store_was_opened()) return with_key_advice(error);
  return {error.code(), error.message() + "; \"caveat verify STORE\" lists all that is damaged"};
}

int perform(const Action& action) {
  const auto code = action();
  std::size_t said = 0;
  std::size_t not_said = take_errors_not_said();
  for (const auto& error : take_background_errors()) {
    if (!code && code.error().code() == error.code()) continue;
    if (said++ < kErrorsSaidMax) {
      report_error(error);
    } else {
      ++not_said;
    }
  }
  if (not_said != 0) {
    report_error({ErrorCode::corruption, fmt::format("and {} more of these", grouped(not_said))});
  }
  if (code) {
    if (signal_exit_code() && take_last_word()) {
      report_error({ErrorCode::cancelled, "interrupted when all was done"});
    }
    return signal_exit_code().value_or(*code);
  }
  if (code.error().code() == ErrorCode::cancelled) {
    // By a signal, or because the reader of our output had enough, which is no failure.
    if (!signal_exit_code()) return kDone;
    const auto message = code.error().message();
    if (take_last_word()) {
      report_error({ErrorCode::cancelled, message.empty() ? "interrupted" : message});
    }
    return *signal_exit_code();
  }
  report_error(advised(code.error()));
  return exit_code_of(code.error().code());
}

int print_or_fail(const Result<void>& printed) {
  if (printed) return kDone;
  if (printed.error().code() == ErrorCode::cancelled) return kDone;  // the reader had enough
  report_error(printed.error());
  return exit_code_of(printed.error().code());
}

int wrong_usage(const StorageError& error) {
  report_error(error);
  return kUsageError;
}

// Options in place of a command.
int top_level(const CommandLine& line, const std::vector<std::string>& words) {
  if (words[0] == "--help" || words[0] == "-h") return print_or_fail(print(help_text(line)));
  if (words[0] == "--version") {
    return print_or_fail(print(std::string("caveat ") + CAVEAT_VERSION_STRING + "\n"));
  }
  if (words[0] == "--generate") {
    const auto made = generate(line, {words.begin() + 1, words.end()});
    return made ? print_or_fail(print(*made)) : wrong_usage(made.error());
  }
  return wrong_usage({ErrorCode::invalid_argument, words[0] + " is no option of caveat itself; " +
                                                       meant_instead(line, words[0])});
}

int parse_and_perform(int argc, char** argv) {
  Action action;
  const auto line = all_commands(action);
  auto words = command_line(argc, argv);
  if (!words.empty() && words[0].starts_with('-')) return top_level(*line, words);
  if (words.empty() || line->find(words[0]) == nullptr) {
    const auto sentence = no_command(*line, words.empty() ? nullptr : words[0].c_str());
    return wrong_usage({ErrorCode::invalid_argument, sentence});
  }
  const auto parsed = parse(*line, std::move(words));
  if (!parsed) return wrong_usage(parsed.error());
  if (parsed->help) return print_or_fail(print(help_text(*parsed->command)));
  return perform(action);
}

}  // namespace

int run(int argc, char** argv) {
  start_signal_thread();
  return guarded([&] { return parse_and_perform(argc, argv); });
}

int guarded(const std::function<int()>& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    report_error({ErrorCode::internal,
                  "out of memory: the machine, or a limit set for this process, has no more; "
                  "--memory, where a command has it, makes the store take less"});
    return kOutOfMemory;
  } catch (const std::exception& error) {
    report_error({ErrorCode::internal, error.what()});
  }
  return kInternalError;
}

}  // namespace caveat::cli
