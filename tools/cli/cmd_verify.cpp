// caveat verify STORE
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "adapters/json/reports.h"
#include "caveat/index_manager.h"
#include "tools/cli/command.h"
#include "tools/cli/json_writer.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  bool forget_lost_writes = false;
};

std::string json_of(const VerificationResults& found,
                    const std::optional<std::size_t>& forgotten = {}) {
  VerificationResults shown = found;
  for (auto& error : shown.errors) error = printable(error);
  JsonWriter json;
  json.begin_object();
  json::write(shown, json);
  if (forgotten) json.field("lost_writes_forgotten", *forgotten);
  json.end_object();
  return json.text();
}

// What went wrong, and what can be done about it.
std::string verdict(const VerificationResults& found, const std::string& store) {
  if (found.sound()) return "the store is sound\n";
  std::string text;
  bool indexes = found.missing_hints > 0 || !found.incomplete_indexes.empty();
  bool records = false;
  bool pages = false;
  bool lost_writes = false;
  for (const auto& error : found.errors) {
    if (error.starts_with("directory pages") || error.starts_with("marks of directory pages")) {
      pages = true;
      continue;
    }
    if (error.starts_with("delta: ") && error.find(" are kept in meta") != std::string::npos) {
      lost_writes = true;
      continue;
    }
    const bool of_index = std::any_of(kIndexFamilies.begin(), kIndexFamilies.end(),
                                      [&](Family f) { return error.starts_with(to_string(f)); });
    (of_index ? indexes : records) = true;
  }
  if (records) {
    text +=
        "records of what is damaged cannot be read; all others can (docs/cli.md, Damage)\n"
        "to get them back, restore the store from a backup; to keep the others, run: caveat "
        "repair " +
        printable(store) + " NEW\n";
  }
  if (lost_writes) {
    text +=
        "writes are lost: write them again or restore the store from a backup; once that is done "
        "or given up, run: caveat verify " +
        printable(store) + " --forget-lost-writes\n";
  }
  if (pages) {
    text +=
        "what the directory has lost is read off the partitions at each open, which costs time; "
        "to be rid of that, run: caveat repair " +
        printable(store) + " NEW\n";
  }
  if (indexes) {
    text += "to mend the indexes, run: caveat rebuild-indexes " + printable(store) + "\n";
  }
  return text + (found.error_count > 0 ? "the store is damaged\n" : "the store is not sound\n");
}

std::string text_of(const VerificationResults& found, const std::string& store) {
  auto text = fields_text({{"partitions", grouped(found.partitions)},
                           {"records", grouped(found.records)},
                           {"recent commits", grouped(found.delta_records)},
                           {"index pairs", grouped(found.index_pairs)},
                           {"stale hints", grouped(found.stale_hints)},
                           {"missing hints", grouped(found.missing_hints)},
                           {"errors", grouped(found.error_count)}});
  for (const auto& error : found.errors) text += "  error: " + printable(error) + "\n";
  if (found.error_count > found.errors.size()) {
    text += fmt::format("  and {} more\n", grouped(found.error_count - found.errors.size()));
  }
  for (const auto& index : found.incomplete_indexes) {
    text += fmt::format("  the {} index is incomplete and was not checked: queries scan\n", index);
  }
  return text + verdict(found, store);
}

// The one finding there is of a store that does not open; it says what is to be done.
Result<ExitCode> tell_of_closed(const CommonArguments& arguments, const StorageError& error) {
  VerificationResults found;
  found.error_count = 1;
  found.errors.push_back(error.message());
  CAVEAT_TRY(print(arguments.json ? json_of(found)
                                  : "error: " + printable(error.message()) +
                                        "\nthe store does not open, so nothing else was checked\n"
                                        "the store is damaged\n"));
  return kDataError;
}

Result<std::size_t> forget_lost_writes(const std::string& path) {
  CAVEAT_ASSIGN(auto store, open_to_write(path));
  CAVEAT_ASSIGN(const std::size_t forgotten, store.forget_lost_writes());
  CAVEAT_TRY(store.close());
  return forgotten;
}

Result<ExitCode> verify(const Arguments& arguments) {
  std::optional<std::size_t> forgotten;
  if (arguments.forget_lost_writes) {
    CAVEAT_ASSIGN(forgotten, forget_lost_writes(arguments.store));
  }
  auto opened = InspectedStore::open(arguments.store);
  if (!opened && opened.error().code() == ErrorCode::corruption) {
    return tell_of_closed(arguments, opened.error());
  }
  CAVEAT_ASSIGN(auto store, std::move(opened));
  const GracefulStop graceful(GracefulStop::Of::reading);
  ProgressReporter progress;
  const auto ended = store->verify(&progress);
  progress.clear();
  if (!ended) return fail(interrupted(ended.error(), "not everything was checked"));
  const auto& found = *ended;
  if (forgotten && !arguments.json) {
    CAVEAT_TRY(print(fields_text({{"lost writes forgotten", grouped(*forgotten)}})));
  }
  CAVEAT_TRY(print(arguments.json ? json_of(found, forgotten) : text_of(found, arguments.store)));
  return found.sound() ? kDone : kDataError;
}

}  // namespace

void add_verify(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "verify",
      "Read everything: each checksum, each record, each index against the records both ways. "
      "Exit code 1 if anything is wrong, or an index is incomplete.",
      "caveat verify STORE", *arguments);
  command->add_flag("--forget-lost-writes", arguments->forget_lost_writes,
                    "Before that, open the store to write and forget those records of its log that "
                    "could not be read when it was opened: what they wrote was written again, or "
                    "is given up");
  command->callback([arguments, &action] { action = [arguments] { return verify(*arguments); }; });
}

}  // namespace caveat::cli
