#include "tools/cli/top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

constexpr double kStaleSeconds = 60;
constexpr double kOldViewSeconds = 600;

// What another process has written may be anything that is a number, or none.
double sane(double number) {
  return number > 0 ? std::min(number, 1e15) : 0;
}
std::string whole(double number) {
  return grouped(static_cast<std::uint64_t>(std::round(sane(number))));
}
std::string bytes(double number) {
  return human_bytes(static_cast<std::uint64_t>(sane(number)));
}
// Exact where the store can know without a fold of recent writes.
std::string records(const Metrics& m) {
  const auto about = whole(m.of("caveat_records"));
  const auto min = m.find("caveat_records_min").value_or(0);
  const auto max = m.find("caveat_records_max").value_or(0);
  if (min >= max) return about;
  return fmt::format("about {} ({} to {})", about, whole(min), whole(max));
}
std::string percent(double part, double all) {
  return all <= 0 ? "-" : fmt::format("{:.1f}%", 100 * part / all);
}

double taken_at(const Reading& reading) {
  return reading.metrics.of("caveat_metrics_timestamp_seconds");
}

class View {
 public:
  View(const Reading& now, const std::optional<Reading>& before, std::size_t columns)
      : now_(now.metrics), before_(before ? &before->metrics : nullptr), columns_(columns) {
    if (before) seconds_ = taken_at(now) - taken_at(*before);
    // A store that was opened anew counts from 0 again.
    if (seconds_ <= 0 || grown("caveat_rows_written_total") < 0) before_ = nullptr;
  }

  [[nodiscard]] std::string contents() const {
    return heading("Contents") +
           fields_text(
               {{"records", records(now_)},
                {"recent, not yet folded", whole(now_.of("caveat_delta_rows"))},
                {"partitions", whole(now_.of("caveat_partitions")) + ", " +
                                   whole(now_.of("caveat_partitions_with_runs")) +
                                   " wait for a rewrite"},
                {"on disk", bytes(now_.of("caveat_disk_bytes"))},
                {"compressed", bytes(now_.of("caveat_compressed_bytes")) + " of " +
                                   bytes(now_.of("caveat_uncompressed_bytes")) + " as plain rows"},
                {"memory", bytes(now_.sum("caveat_memory_bytes")) + " of " +
                               bytes(now_.of("caveat_memory_budget_bytes"))}},
               columns_);
  }

  [[nodiscard]] std::string calls() const {
    Table table({"calls", "a second", "since open"});
    const auto add = [&](const char* name, const std::string& series) {
      table.add({name, rate(series), whole(now_.of(series))});
    };
    add("reads that found something", series("caveat_point_reads_total", "result", "hit"));
    add("reads that found nothing", series("caveat_point_reads_total", "result", "miss"));
    add("of these by the filter alone", "caveat_filter_negatives_total");
    add("rows written", "caveat_rows_written_total");
    add("folds", "caveat_folds_total");
    add("partitions rewritten", "caveat_rewrites_total");
    add("writers had to wait, for folds", series("caveat_write_stalls_total", "cause", "folds"));
    add("for the backend", series("caveat_write_stalls_total", "cause", "backend"));
    const auto calls = now_.of("caveat_point_read_duration_seconds_count");
    const auto mean = calls > 0 ? now_.of("caveat_point_read_duration_seconds_sum") / calls : 0;
    return heading("Calls") + table.text({}, columns_) +
           (calls > 0 ? "  a read takes " + human_duration(sane(mean * 1e9)) + "\n" : "");
  }

  [[nodiscard]] std::string caches() const {
    Table table({"cache", "bytes", "capacity", "hit rate now", "since open"});
    for (const auto& cache : now_.labels("caveat_cache_bytes", "cache")) {
      const auto hits = series("caveat_cache_hits_total", "cache", cache);
      const auto misses = series("caveat_cache_misses_total", "cache", cache);
      table.add({printable(cache), bytes(now_.of(series("caveat_cache_bytes", "cache", cache))),
                 bytes(now_.of(series("caveat_cache_capacity_bytes", "cache", cache))),
                 before_ == nullptr ? "-" : percent(grown(hits), grown(hits) + grown(misses)),
                 percent(now_.of(hits), now_.of(hits) + now_.of(misses))});
    }
    return heading("Caches") + table.text({}, columns_);
  }

  [[nodiscard]] std::string indexes() const {
    Table table({"index", "stored", "candidates a second", "since open", "stale"});
    for (const auto& index : now_.labels("caveat_index_candidates_total", "index")) {
      const auto candidates = series("caveat_index_candidates_total", "index", index);
      const auto stale = series("caveat_index_stale_total", "index", index);
      table.add({printable(index),
                 bytes(now_.of(series("caveat_index_stored_bytes", "index", index))),
                 rate(candidates), whole(now_.of(candidates)),
                 percent(now_.of(stale), now_.of(candidates))});
    }
    return heading("Indexes") + table.text({}, columns_);
  }

  [[nodiscard]] std::string waiting() const {
    return heading("Waiting") +
           fields_text({{"writers", whole(now_.of("caveat_waiting_writers"))},
                        {"generations to fold", whole(now_.of("caveat_waiting_generations")) +
                                                    ", " + bytes(now_.of("caveat_waiting_bytes"))},
                        {"rewrites", whole(now_.of("caveat_rewrite_queue_length"))},
                        {"open snapshots and cursors", whole(now_.of("caveat_open_views"))}},
                       columns_);
  }

  // How much a counter has grown; 0 without an earlier reading.
  [[nodiscard]] double grown(const std::string& series) const {
    return before_ == nullptr ? 0 : now_.of(series) - before_->of(series);
  }

 private:
  [[nodiscard]] std::string rate(const std::string& series) const {
    if (before_ == nullptr) return "-";
    const auto each = grown(series) / seconds_;
    return each > 0 && each < 10 ? fmt::format("{:.1f}", each) : whole(each);
  }

  const Metrics& now_;
  const Metrics* before_;
  std::size_t columns_;
  double seconds_ = 0;
};

}  // namespace

std::string warnings_of(const Reading& now, const std::optional<Reading>& before,
                        std::size_t columns) {
  const auto& m = now.metrics;
  const View view(now, before, columns);
  std::string text;
  const auto warn = [&](const std::string& line) { text += wrapped(line, 2, columns); };
  const auto age = now.read_at - taken_at(now);
  if (age > kStaleSeconds) {
    warn(fmt::format("the figures are {:.0f} s old: the process is gone or stuck", age));
  }
  if (m.of("caveat_read_only") == 1) {
    warn(
        "a part of the records is damaged or missing, so the store can only be read: caveat "
        "verify");
  }
  if (view.grown("caveat_background_errors_total") > 0) {
    warn("there were errors in the background: see the log of the process");
  }
  if (m.sum("caveat_index_unindexed_partitions") > 0) {
    warn("an index is incomplete, so queries scan: caveat rebuild-indexes");
  }
  if (m.of("caveat_backend_stall_state") > 0) {
    warn("the backend slows writes down until it has caught up");
  }
  if (m.sum("caveat_memory_bytes") > m.of("caveat_memory_budget_bytes")) {
    warn("more memory than the budget is in use");
  }
  if (m.of("caveat_oldest_view_age_seconds") > kOldViewSeconds) {
    warn(fmt::format("a snapshot or cursor is {:.0f} minutes old, and keeps what was replaced",
                     m.of("caveat_oldest_view_age_seconds") / 60));
  }
  return text;
}

std::string top_view(const std::string& title, const Reading& now,
                     const std::optional<Reading>& before, std::size_t columns) {
  std::string as_of;
  const auto seconds = std::min(sane(taken_at(now)), 9e9);  // what nanoseconds can say
  const auto ns = static_cast<std::int64_t>(seconds * 1e3) * 1'000'000;
  if (is_terminal(stdout)) {
    append_local_time(ns, as_of);
  } else {
    append_time(ns, as_of);
  }
  const View view(now, before, columns);
  const auto warnings = warnings_of(now, before, columns);
  std::string head;
  std::string lines =
      wrapped(fmt::format("{}, caveat {}, as of {}", printable(title),
                          printable(now.metrics.label("caveat_build_info", "version")), as_of),
              0, columns);
  for (std::size_t end = 0; (end = lines.find('\n')) != std::string::npos;) {
    head += heading(lines.substr(0, end));
    lines.erase(0, end + 1);
  }
  return head + (warnings.empty() ? "" : "\n" + heading("Warnings") + warnings) + "\n" +
         view.contents() + "\n" + view.calls() + "\n" + view.caches() + "\n" + view.indexes() +
         "\n" + view.waiting();
}

namespace {

// All parts that fit: of those of `status` the last one first, then what is seen, then the others
// from the first.
std::string hint_of(const std::string& seen, const std::vector<std::string>& status,
                    std::size_t columns) {
  const std::string& last = status.back();
  auto begin = seen.empty() || display_width(seen + "; " + last) > columns ? "" : seen + "; ";
  if (const auto more = seen + ", arrows move; ";
      !begin.empty() && display_width(more + last) <= columns) {
    begin = more;
  }
  for (auto part = status.begin(); part + 1 != status.end(); ++part) {
    if (display_width(begin + *part + ", " + last) > columns) break;
    begin += *part + ", ";
  }
  return cut(begin + last, columns);
}

}  // namespace

Page page_of(std::string_view text, const std::vector<std::string>& status, std::size_t rows,
             std::size_t columns, std::size_t from) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const std::size_t room = std::max<std::size_t>(rows, 2) - 1;
  if (lines.size() > room) std::erase(lines, "");  // no room for what only looks better
  Page page;
  page.last = lines.size() - std::min(room, lines.size());
  page.from = std::min(from, page.last);
  const auto to = std::min(page.from + room, lines.size());
  for (std::size_t i = page.from; i < to; ++i) page.text += cut(lines[i], columns) + "\n";
  for (std::size_t i = to; i < page.from + room; ++i) page.text += "\n";
  page.text += hint_of(
      page.last == 0 ? "" : fmt::format("lines {} to {} of {}", page.from + 1, to, lines.size()),
      status, columns);
  return page;
}

}  // namespace caveat::cli
