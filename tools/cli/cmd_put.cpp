// caveat put STORE [RECORD]
#include <fmt/format.h>

#include "caveat/ports.h"
#include "engine/model/row.h"
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/line_source.h"
#include "tools/cli/output.h"
#include "tools/cli/put_arguments.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  PutArguments put;
  bool create = false;
};

Result<ExitCode> put(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto parsed, arguments.put.record());
  WriteAccess access;
  access.presence = arguments.create ? Presence::any : Presence::must_exist;
  CAVEAT_ASSIGN(auto store, open_to_write(arguments.store, access));
  if (parsed.name) CAVEAT_TRY(store.register_property(*parsed.name));
  CAVEAT_ASSIGN(const auto before,
                store.exchange_exception(parsed.record.key, parsed.record.exception));
  CAVEAT_TRY(store.close());
  JsonWriter json;
  json.begin_object().flag("stored", true).flag("replaced", before.has_value()).end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : before ? "replaced\n" : "stored\n"));
  return kDone;
}

}  // namespace

void add_put(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "put", "Store one record: as NDJSON, or field by field. For many, use import.",
      "caveat put STORE --node 7 --property flies --inherited true --actual false "
      "--reason \"penguins swim\"",
      *arguments);
  add_put_options(*command, arguments->put);
  command->add_flag("--create", arguments->create, "Make the store where there is none");
  command->callback([arguments, &action] { action = [arguments] { return put(*arguments); }; });
}

}  // namespace caveat::cli
