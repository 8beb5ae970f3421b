// caveat encrypt STORE
#include <algorithm>

#include "adapters/json/reports.h"
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/stats_report.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::size_t memory_mib = 0;
};

constexpr const char* kCutShort =
    "the store needs its keys from now on, those of before too; the next run goes on";

bool under_one(const std::vector<KeyUsage>& keys) {
  return std::all_of(keys.begin(), keys.end(), [](const KeyUsage& key) { return key.current; });
}

Result<ExitCode> encrypt(const Arguments& arguments) {
  CAVEAT_ASSIGN(const auto keys, keys_given());
  if (keys == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "encrypt: name the file of keys with --key-file FILE or CAVEAT_KEY_FILE");
  }
  const GracefulStop graceful;
  ProgressReporter progress;
  WriteAccess access;
  access.memory_mib = arguments.memory_mib;
  access.encrypts = &progress;
  auto opened = open_to_write(arguments.store, access);
  progress.clear();
  if (!opened) return fail(interrupted(opened.error(), kCutShort));
  auto& store = *opened;
  CAVEAT_ASSIGN(auto usage, store.key_usage());
  if (!under_one(usage)) {
    const auto ended = store.optimize_storage(&progress);
    progress.clear();
    if (!ended) return fail(interrupted(ended.error(), kCutShort));
    CAVEAT_ASSIGN(usage, store.key_usage());
  }
  CAVEAT_TRY(store.close());
  JsonWriter json;
  json.begin_object();
  json::write_keys(usage, json);
  json.end_object();
  CAVEAT_TRY(print(arguments.json ? json.text() : keys_text(usage)));
  if (under_one(usage)) return kDone;
  const bool values = std::any_of(usage.begin(), usage.end(), [](const KeyUsage& key) {
    return !key.current && key.values != 0;
  });
  if (values) {
    return fail(ErrorCode::corruption, "values that cannot be read are left under older keys");
  }
  return fail(ErrorCode::busy, "older keys are still needed: run it again");
}

}  // namespace

void add_encrypt(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "encrypt",
      "Put all of a store under the last key of the file of keys. A plain store is encrypted, and "
      "its files are written anew without the plain bytes; of one that is under other keys every "
      "value is encrypted anew, and then those keys may go. Shows how much lies under which key. "
      "Ctrl-C ends it between two steps, and the next run goes on.",
      "caveat encrypt STORE --key-file keys", *arguments);
  add_memory(*command, arguments->memory_mib);
  command->callback([arguments, &action] { action = [arguments] { return encrypt(*arguments); }; });
}

}  // namespace caveat::cli
