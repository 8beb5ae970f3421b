#include "tools/cli/command.h"

#include "tools/cli/store_access.h"

namespace caveat::cli {

Option* Option::choices(std::vector<std::string> values) {
  choices_ = std::move(values);
  type_name_.clear();
  for (const auto& value : choices_) type_name_ += (type_name_.empty() ? "" : "|") + value;
  return this;
}

std::string Option::short_name() const {
  const auto comma = names_.find(',');
  return comma == std::string::npos ? "" : names_.substr(0, comma);
}

void Command::remove_option(std::string_view name) {
  std::erase_if(options_, [&](const auto& option) { return option->name() == name; });
}

Option* Command::get_option(std::string_view name) {
  for (const auto& option : options_) {
    if (option->name() == name) return option.get();
  }
  return nullptr;
}

const Command* CommandLine::find(std::string_view name) const {
  for (const auto& command : commands) {
    if (command->name() == name) return command.get();
  }
  return nullptr;
}

std::unique_ptr<CommandLine> all_commands(Action& action) {
  auto all = std::make_unique<CommandLine>();
  add_import(*all, action);
  add_dump(*all, action);
  add_get(*all, action);
  add_query(*all, action);
  add_count(*all, action);
  add_put(*all, action);
  add_remove(*all, action);
  add_diff(*all, action);
  add_backup(*all, action);
  add_restore(*all, action);
  add_report(*all, action);
  add_metrics(*all, action);
  add_top(*all, action);
  add_stats(*all, action);
  add_blocks(*all, action);
  add_verify(*all, action);
  add_optimize(*all, action);
  add_compact(*all, action);
  add_rebuild_indexes(*all, action);
  add_encrypt(*all, action);
  add_repair(*all, action);
  return all;
}

Command* add_bare_command(CommandLine& app, const std::string& name, const std::string& purpose,
                          const std::string& example) {
  // Lists of commands show the first sentence, the command's own help all of them.
  const auto dot = purpose.find(". ");
  const bool more = dot != std::string::npos;
  app.commands.push_back(std::make_unique<Command>(name, purpose.substr(0, more ? dot + 1 : dot),
                                                   more ? purpose.substr(dot + 2) : "", example));
  return app.commands.back().get();
}

Command* add_command(CommandLine& app, const std::string& name, const std::string& purpose,
                     const std::string& example, CommonArguments& common) {
  auto* command = add_bare_command(app, name, purpose, example);
  command->add_option("STORE", common.store, "The store's directory")->required();
  command->add_flag("--json", common.json, "Print JSON for programs");
  command
      ->add_option_function("--key-file", use_key_file,
                            "The keys of an encrypted store, ID:HEX a line; CAVEAT_KEY_FILE "
                            "otherwise")
      ->type_name("FILE");
  return command;
}

}  // namespace caveat::cli
