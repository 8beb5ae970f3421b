// What the command line consists of, as data: the one source of what is parsed, of --help, of the
// manual pages, of the completions and of the reference in docs/cli.md.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "caveat/error.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/report.h"

namespace caveat::cli {

using Action = std::function<Result<ExitCode>()>;

// An option ("-o,--output"), a flag, or an argument by its place ("STORE").
class Option {
 public:
  using Taker = std::function<void(const std::string&)>;
  using Target = std::variant<bool*, std::string*, std::size_t*, Taker>;
  Option(std::string names, Target target, std::string help)
      : names_(std::move(names)), target_(std::move(target)), help_(std::move(help)) {}

  // What stands for the value: FILE, N, A..B.
  Option* type_name(std::string name) {
    type_name_ = std::move(name);
    return this;
  }
  // The only values there are; shown for the value, too.
  Option* choices(std::vector<std::string> values);
  // Values to complete to, shown under the name of the type.
  Option* suggestions(std::vector<std::string> values) {
    suggestions_ = std::move(values);
    return this;
  }
  Option* range(std::size_t min, std::size_t max) {
    range_ = {min, max};
    return this;
  }
  Option* description(std::string text) {
    help_ = std::move(text);
    return this;
  }
  Option* required(bool value = true) {
    required_ = value;
    return this;
  }
  Option* excludes(const Option* other) {
    excluded_ = other->name();
    return this;
  }
  // A store, or a file: what top looks at.
  Option* or_file() {
    or_file_ = true;
    return this;
  }
  Option* may_be_empty() {
    may_be_empty_ = true;
    return this;
  }

  [[nodiscard]] bool positional() const { return names_[0] != '-'; }
  [[nodiscard]] bool flag() const { return std::holds_alternative<bool*>(target_); }
  // The long name, or the argument's.
  [[nodiscard]] std::string name() const { return names_.substr(names_.rfind(',') + 1); }
  [[nodiscard]] std::string short_name() const;  // empty: none
  [[nodiscard]] const std::string& names() const { return names_; }
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] const std::string& help() const { return help_; }
  [[nodiscard]] const std::string& value_name() const { return type_name_; }
  [[nodiscard]] const std::vector<std::string>& allowed() const { return choices_; }
  [[nodiscard]] const std::vector<std::string>& suggested() const {
    return choices_.empty() ? suggestions_ : choices_;
  }
  [[nodiscard]] const std::optional<std::pair<std::size_t, std::size_t>>& limits() const {
    return range_;
  }
  [[nodiscard]] bool is_required() const { return required_; }
  [[nodiscard]] const std::string& excluded() const { return excluded_; }
  [[nodiscard]] bool is_empty_allowed() const { return may_be_empty_; }
  [[nodiscard]] bool takes_file() const {
    return or_file_ || (positional() ? names_ : type_name_) == "FILE";
  }
  [[nodiscard]] bool takes_directory() const {
    return names_ == "STORE" || names_ == "NEW" || names_ == "OTHER" || names_ == "BACKUPS";
  }

 private:
  std::string names_;
  Target target_;
  std::string help_;
  std::string type_name_;
  std::vector<std::string> choices_;
  std::vector<std::string> suggestions_;
  std::optional<std::pair<std::size_t, std::size_t>> range_;
  std::string excluded_;
  bool required_ = false;
  bool may_be_empty_ = false;
  bool or_file_ = false;
};

class Command {
 public:
  Command(std::string name, std::string purpose, std::string details, std::string example)
      : name_(std::move(name)),
        purpose_(std::move(purpose)),
        details_(std::move(details)),
        example_(std::move(example)) {}

  template <class T>
  Option* add_option(std::string names, T& value, std::string help) {
    options_.push_back(std::make_unique<Option>(std::move(names), &value, std::move(help)));
    return options_.back().get();
  }
  Option* add_flag(std::string names, bool& value, std::string help) {
    return add_option(std::move(names), value, std::move(help));
  }
  // Calls `take` with the value.
  Option* add_option_function(std::string names, Option::Taker take, std::string help) {
    options_.push_back(
        std::make_unique<Option>(std::move(names), std::move(take), std::move(help)));
    return options_.back().get();
  }
  [[nodiscard]] Option* get_option(std::string_view name);
  // One that add_command() gives to all, and this command does not have.
  void remove_option(std::string_view name);
  // When this command is chosen.
  void callback(std::function<void()> chosen) { chosen_ = std::move(chosen); }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& purpose() const { return purpose_; }  // one sentence
  [[nodiscard]] const std::string& details() const { return details_; }
  [[nodiscard]] const std::string& example() const { return example_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
  void choose() const { chosen_(); }

 private:
  std::string name_;
  std::string purpose_;
  std::string details_;
  std::string example_;
  std::vector<std::unique_ptr<Option>> options_;
  std::function<void()> chosen_;
};

struct CommandLine {
  std::vector<std::unique_ptr<Command>> commands;
  [[nodiscard]] const Command* find(std::string_view name) const;
};
[[nodiscard]] std::unique_ptr<CommandLine> all_commands(Action& action);

// One file each, cmd_<name>.cpp. Adds the command; if it is used, `action` is set.
void add_import(CommandLine& app, Action& action);
void add_dump(CommandLine& app, Action& action);
void add_get(CommandLine& app, Action& action);
void add_query(CommandLine& app, Action& action);
void add_count(CommandLine& app, Action& action);
void add_put(CommandLine& app, Action& action);
void add_remove(CommandLine& app, Action& action);
void add_diff(CommandLine& app, Action& action);
void add_backup(CommandLine& app, Action& action);
void add_restore(CommandLine& app, Action& action);
void add_report(CommandLine& app, Action& action);
void add_metrics(CommandLine& app, Action& action);
void add_top(CommandLine& app, Action& action);
void add_stats(CommandLine& app, Action& action);
void add_blocks(CommandLine& app, Action& action);
void add_verify(CommandLine& app, Action& action);
void add_optimize(CommandLine& app, Action& action);
void add_compact(CommandLine& app, Action& action);
void add_rebuild_indexes(CommandLine& app, Action& action);
void add_encrypt(CommandLine& app, Action& action);
void add_repair(CommandLine& app, Action& action);

// A command without arguments so far. `purpose`: a sentence, and what else there is to say.
Command* add_bare_command(CommandLine& app, const std::string& name, const std::string& purpose,
                          const std::string& example);

// What every command has: a name, what it is for (a sentence, and what else there is to say), an
// example, the store, --json and --key-file.
struct CommonArguments {
  std::string store;
  bool json = false;
};
Command* add_command(CommandLine& app, const std::string& name, const std::string& purpose,
                     const std::string& example, CommonArguments& common);

}  // namespace caveat::cli
