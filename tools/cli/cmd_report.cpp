// caveat report STORE -o report.html
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/report.h"
#include "tools/cli/report/report_page.h"
#include "tools/cli/signals.h"
#include "tools/cli/store_access.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

struct Arguments : CommonArguments {
  std::string output;
  bool no_verify = false;
  std::size_t properties = 20;
  std::string metrics;
};

// The figures of another store would be shown as this one's.
Result<void> check_owner(const Reading& owner, const StorageOptimizer& store,
                         const Arguments& arguments) {
  constexpr const char* kMade = "caveat_store_made_timestamp_seconds";
  CAVEAT_ASSIGN(const auto ours, Metrics::parse(store.metrics()));
  const auto theirs = owner.metrics.find(kMade);
  if (!theirs) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("--metrics {}: it does not say of which store it is ({} is missing)",
                            arguments.metrics, kMade));
  }
  if (*theirs == ours.of(kMade)) return {};
  const auto shown = [](double seconds) {
    std::string text;
    append_time(static_cast<std::int64_t>(std::clamp(seconds, -9e9, 9e9)) * 1'000'000'000, text);
    return text;
  };
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("--metrics {}: these are the figures of another store, which was made at "
                  "{}; {} was made at {}",
                  arguments.metrics, shown(*theirs), arguments.store, shown(ours.of(kMade))));
}

// Why the exit code is not 0, in a sentence.
std::string verdict(const VerificationResults& found) {
  std::string what;
  const auto add = [&](std::uint64_t count, std::string_view one, std::string_view more) {
    if (count > 0) what += (what.empty() ? "" : ", ") + counted(count, one, more);
  };
  add(found.error_count, "error", "errors");
  add(found.missing_hints, "missing hint", "missing hints");
  add(found.incomplete_indexes.size(), "incomplete index", "incomplete indexes");
  std::string names;
  for (const auto& index : found.incomplete_indexes) {
    names += (names.empty() ? " (" : ", ") + std::string(index);
  }
  if (!names.empty()) what += names + ")";
  return "the store is not sound: " + what + "; caveat verify says what to do";
}

Result<ExitCode> report(const Arguments& arguments) {
  std::optional<Reading> owner;
  if (!arguments.metrics.empty()) {
    CAVEAT_ASSIGN(owner, read_metrics(arguments.metrics));
  }
  CAVEAT_ASSIGN(auto store, InspectedStore::open(arguments.store));
  if (owner) CAVEAT_TRY(check_owner(*owner, *store, arguments));
  const GracefulStop graceful(GracefulStop::Of::reading);
  ProgressReporter progress;
  auto gathered =
      gather_report(arguments.store, *store,
                    {.verify = !arguments.no_verify, .properties = arguments.properties}, progress);
  progress.clear();
  if (!gathered) return fail(interrupted(gathered.error(), "there is no report"));
  auto& data = *gathered;
  data.owner = std::move(owner);
  CAVEAT_ASSIGN(auto output, Output::open_outside(arguments.output, arguments.store));
  CAVEAT_TRY(output.write(arguments.json ? report_json(data) : report_html(data)));
  CAVEAT_TRY(output.finish());
  const bool sound = !data.verified || data.verified->sound();
  if (!sound) report_error({ErrorCode::corruption, verdict(*data.verified)});
  return sound && data.stats.damage.empty() ? kDone : kDataError;
}

}  // namespace

void add_report(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "report",
      "Make a page with pictures of what is in a store, where its bytes are, how it lives and what "
      "optimize would gain. The page is one file of HTML, without scripts and with nothing to "
      "fetch. The store may be open meanwhile, and is not changed; a store that is not sound gives "
      "the page, and exit code 1.",
      "caveat report STORE -o report.html", *arguments);
  command
      ->add_option("-o,--output", arguments->output, "Write to this file, not to standard output")
      ->type_name("FILE");
  command->add_flag("--no-verify", arguments->no_verify,
                    "Do not check every block and every index: faster on large stores");
  command
      ->add_option("--metrics", arguments->metrics,
                   "The file of metrics of the process that has the store open: the report then "
                   "shows its rates, too")
      ->type_name("FILE");
  command
      ->add_option("--properties", arguments->properties,
                   "How many properties to list (20 by default)")
      ->type_name("N")
      ->range(1, 1000);
  command->callback([arguments, &action] { action = [arguments] { return report(*arguments); }; });
}

}  // namespace caveat::cli
