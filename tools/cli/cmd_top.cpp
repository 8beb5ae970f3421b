// caveat top STORE-or-FILE
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"
#include "tools/cli/top/reading.h"
#include "tools/cli/top/screen.h"
#include "tools/cli/top/view.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments : CommonArguments {
  std::size_t interval = 2;
};

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
    const std::vector<std::string> status = {fmt::format("every {} s (+ -)", interval_),
                                             "space looks now", "q ends"};
    rows_ = size.rows;
    const auto page = page_of(note_ + top_view(path_.string(), now_, before_, size.columns), status,
                              size.rows, size.columns, from_);
    from_ = page.from;
    return Screen::draw(page.text);
  }

  void read() {
    auto next = read_metrics(path_);
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
  const auto path = metrics_file_of(arguments.store);
  CAVEAT_ASSIGN(auto now, read_metrics(path));
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
