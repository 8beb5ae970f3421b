// caveat top STORE-or-FILE
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <limits>

#include "tools/cli/command.h"
#include "tools/cli/dangling_link.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"
#include "tools/cli/top/screen.h"
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
    if (auto dangling = dangling_link(path)) return fail(std::move(*dangling));
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

// The steps of + and -.
constexpr std::array<std::size_t, 9> kIntervals = {1, 2, 5, 10, 30, 60, 300, 900, 3600};

std::size_t next_interval(std::size_t seconds, bool slower) {
  const auto above = std::upper_bound(kIntervals.begin(), kIntervals.end(), seconds);
  if (slower) return above == kIntervals.end() ? kIntervals.back() : *above;
  const auto at = std::lower_bound(kIntervals.begin(), kIntervals.end(), seconds);
  return at == kIntervals.begin() ? kIntervals.front() : *std::prev(at);
}

// A live view: what is shown, and how far down and how often.
class Watch {
 public:
  Watch(fs::path path, Reading now, std::size_t interval)
      : path_(std::move(path)), now_(std::move(now)), interval_(interval) {}

  Result<ExitCode> run() {
    using Clock = std::chrono::steady_clock;
    auto due = Clock::now() + std::chrono::seconds(interval_);
    for (;;) {
      CAVEAT_TRY(draw());
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
      const auto event = screen_.wait(static_cast<int>(std::max<long>(0, left.count())));
      if (stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
      if (event.kind == Screen::Event::Kind::stop || event.key == Key::quit) return kDone;
      const bool look = event.kind == Screen::Event::Kind::time || event.key == Key::refresh;
      if (look) read();
      if (event.kind == Screen::Event::Kind::key) press(event.key);
      const bool paced = event.key == Key::slower || event.key == Key::faster;
      if (look || paced) due = Clock::now() + std::chrono::seconds(interval_);
    }
  }

 private:
  Result<void> draw() {
    const auto size = Screen::size();
    const auto status = fmt::format("every {} s; q ends, space looks now, + - pace", interval_);
    rows_ = size.rows;
    const auto page = page_of(note_ + top_view(path_.string(), now_, before_), status, size.rows,
                              size.columns, from_);
    from_ = page.from;
    return Screen::draw(page.text);
  }

  void read() {
    auto next = read_file(path_);
    note_.clear();
    if (!next) {
      note_ = printable(next.error().message()) + "\n";  // closed; it may come again
      return;
    }
    constexpr const char* kTime = "caveat_metrics_timestamp_seconds";
    if (next->metrics.of(kTime) != now_.metrics.of(kTime)) before_ = std::move(now_);
    now_ = std::move(*next);
  }

  void press(Key key) {
    const auto page = std::max<std::size_t>(rows_, 3) - 2;
    if (key == Key::slower || key == Key::faster) {
      interval_ = next_interval(interval_, key == Key::slower);
    } else if (key == Key::up || key == Key::page_up) {
      from_ -= std::min(from_, key == Key::up ? 1 : page);
    } else if (key == Key::down || key == Key::page_down) {
      from_ += key == Key::down ? 1 : page;
    } else if (key == Key::home || key == Key::end) {
      from_ = key == Key::home ? 0 : std::numeric_limits<std::size_t>::max() / 2;
    }
  }

  fs::path path_;
  Reading now_;
  std::optional<Reading> before_;
  std::size_t interval_;
  std::size_t from_ = 0;  // the first line that is shown
  std::size_t rows_ = 24;
  std::string note_;
  Screen screen_;
};

Result<ExitCode> top(const Arguments& arguments) {
  const auto path = file_of(arguments.store);
  CAVEAT_ASSIGN(auto now, read_file(path));
  if (arguments.json) {
    CAVEAT_TRY(print(json_of(now.metrics)));
  } else if (!is_terminal(stdout)) {
    CAVEAT_TRY(print(top_view(path.string(), now, std::nullopt)));
  } else {
    const GracefulStop graceful(GracefulStop::Of::reading);
    return Watch(path, std::move(now), arguments.interval).run();
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
      "that file, or the store, whose file is then STORE.prom. On a terminal it fills the screen "
      "and is shown anew every few seconds, with rates; q ends it, space looks now, + and - change "
      "how often, arrows and page keys show what a small window has no room for. Elsewhere, and "
      "with --json, it is shown once. The store itself is not touched.",
      "caveat top /var/lib/node_exporter/caveat.prom", *arguments);
  command->get_option("STORE")->or_file()->description(
      "The file of metrics, or the store's directory");
  command->remove_option("--key-file");  // it opens no store
  command->add_option("--interval", arguments->interval, "Seconds between two looks (2 by default)")
      ->type_name("SECONDS")
      ->range(1, 3600);
  command->callback([arguments, &action] { action = [arguments] { return top(*arguments); }; });
}

}  // namespace caveat::cli
