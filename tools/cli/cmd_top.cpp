// caveat top STORE-or-FILE
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"
#include "tools/cli/top/view.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments : CommonArguments {
  std::size_t interval = 2;
};

// A store's owner may write its figures anywhere; of a store we look where docs/cli.md says.
fs::path file_of(const std::string& store_or_file) {
  std::error_code error;
  const fs::path path(store_or_file);
  if (!fs::is_directory(path, error)) return path;
  auto beside = path.has_filename() ? path : path.parent_path();
  beside += ".prom";
  return beside;
}

Result<Reading> read_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    return fail(ErrorCode::not_found,
                path.string() +
                    ": there is no such file of metrics; a process that has a store open "
                    "writes one where its Options::metrics_file says");
  }
  if (size > Metrics::kBytesMax) {
    return fail(ErrorCode::corruption, path.string() + ": too large for a file of metrics");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto metrics = Metrics::parse(text);
  if (!metrics) return fail(metrics.error().within(path.string()));
  if (!metrics->find("caveat_store_open")) {
    return fail(ErrorCode::corruption, path.string() + ": these are not the metrics of a store");
  }
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return Reading{std::move(*metrics), now.count()};
}

// Until a signal, or the key q.
bool wait(std::size_t seconds) {
  pollfd watched[2] = {{stop_descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  const auto count = is_terminal(stdin) ? 2U : 1U;
  if (::poll(watched, count, static_cast<int>(seconds) * 1000) <= 0) return true;
  if (watched[0].revents != 0) return false;
  char key = 0;
  return ::read(STDIN_FILENO, &key, 1) == 1 && key != 'q';
}

// The screen is drawn over, its rest erased, so that nothing flickers.
std::string frame(const std::string& view) {
  std::string out = "\033[H";
  for (const char c : view) {
    if (c == '\n') out += "\033[K";
    out += c;
  }
  return out + "\033[J";
}

Result<ExitCode> watch(const Arguments& arguments, const fs::path& path, Reading now) {
  const GracefulStop graceful(GracefulStop::Of::reading);
  std::optional<Reading> before;
  std::string note;
  CAVEAT_TRY(print("\033[H\033[2J"));
  do {
    const auto keys =
        fmt::format("\nevery {} s; q and Enter, or Ctrl-C, ends this\n", arguments.interval);
    CAVEAT_TRY(print(frame(top_view(path.string(), now, before) + note + keys)));
    if (!wait(arguments.interval)) break;
    auto next = read_file(path);
    note.clear();
    if (!next) {
      note = "\n" + printable(next.error().message()) + "\n";  // closed; it may come again
      continue;
    }
    constexpr const char* kTime = "caveat_metrics_timestamp_seconds";
    if (next->metrics.of(kTime) != now.metrics.of(kTime)) before = std::move(now);
    now = std::move(*next);
  } while (!stop_requested());
  if (stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
  return kDone;
}

Result<ExitCode> top(const Arguments& arguments) {
  const auto path = file_of(arguments.store);
  CAVEAT_ASSIGN(auto now, read_file(path));
  if (arguments.json) {
    CAVEAT_TRY(print(json_of(now.metrics)));
  } else if (!is_terminal(stdout)) {
    CAVEAT_TRY(print(top_view(path.string(), now, std::nullopt)));
  } else {
    return watch(arguments, path, std::move(now));
  }
  return kDone;
}

}  // namespace

void add_top(CommandLine& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = add_command(
      app, "top",
      "Watch a store that a process has open, through the file of metrics that this writes. STORE "
      "is "
      "that file, or the store, whose file is then STORE.prom. On a terminal it is shown anew "
      "every "
      "few seconds, with rates; elsewhere, and with --json, once. The store itself is not touched.",
      "caveat top /var/lib/node_exporter/caveat.prom", *arguments);
  command->add_option("--interval", arguments->interval, "Seconds between two looks (2 by default)")
      ->type_name("SECONDS")
      ->range(1, 3600);
  command->callback([arguments, &action] { action = [arguments] { return top(*arguments); }; });
}

}  // namespace caveat::cli
