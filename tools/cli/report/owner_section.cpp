// What the process that has the store open says of itself: what a copy cannot know.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/cli/report/html.h"
#include "tools/cli/report/report_page.h"
#include "tools/cli/terminal.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

// A file may say anything that is a number, or none.
double sane(double number) {
  return number > 0 ? std::min(number, 1e15) : 0;
}
std::string whole(double number) {
  return grouped(static_cast<std::uint64_t>(std::round(sane(number))));
}
std::string bytes(double number) {
  return human_bytes(static_cast<std::uint64_t>(sane(number)));
}

std::string caches(const Metrics& m) {
  std::vector<BarRow> rows;
  for (const auto& cache : m.labels("caveat_cache_bytes", "cache")) {
    const double hits = sane(m.of(series("caveat_cache_hits_total", "cache", cache)));
    const double all = hits + sane(m.of(series("caveat_cache_misses_total", "cache", cache)));
    rows.push_back({cache,
                    all > 0 ? hits / all : 0,
                    {share_text(hits, all), whole(all),
                     bytes(m.of(series("caveat_cache_bytes", "cache", cache))),
                     bytes(m.of(series("caveat_cache_capacity_bytes", "cache", cache)))}});
  }
  return bar_table("Caches, since the store was opened",
                   {"cache", "hits", "lookups", "in use", "capacity"}, rows);
}

std::string reads(const Metrics& m) {
  const double hits = sane(m.of(series("caveat_point_reads_total", "result", "hit")));
  const double misses = sane(m.of(series("caveat_point_reads_total", "result", "miss")));
  const double filtered = sane(m.of("caveat_filter_negatives_total"));
  const auto row = [](const char* what, double count, double of) {
    return BarRow{what, of > 0 ? count / of : 0, {whole(count), share_text(count, of)}};
  };
  return bar_table(
      "Point reads, since the store was opened", {"", "reads", "share"},
      {row("found an exception", hits, hits + misses), row("found none", misses, hits + misses),
       row("of those, by the filter alone", filtered, misses)});
}

std::string hints(const Metrics& m) {
  std::vector<BarRow> rows;
  for (const auto& index : m.labels("caveat_index_candidates_total", "index")) {
    const double sent = sane(m.of(series("caveat_index_candidates_total", "index", index)));
    const double stale = sane(m.of(series("caveat_index_stale_total", "index", index)));
    rows.push_back(
        {index, sent > 0 ? stale / sent : 0, {whole(sent), whole(stale), share_text(stale, sent)}});
  }
  return bar_table("Hints that queries followed, since the store was opened",
                   {"index", "to partitions", "stale", "share"}, rows);
}

}  // namespace

std::string owner_section(const ReportData& data) {
  std::string intro;
  std::string body;
  if (data.owner) {
    const auto& m = data.owner->metrics;
    const auto seconds = std::min(sane(m.of("caveat_metrics_timestamp_seconds")), 9e9);
    std::string taken;
    append_time(static_cast<std::int64_t>(seconds) * 1'000'000'000, taken);
    const double age = std::max(0.0, data.owner->read_at - seconds);
    intro = fmt::format(
        "Its own figures of {}{}. The rates are of all calls since it opened the "
        "store; <code>caveat top</code> shows those of the moment.",
        taken,
        age > 60 ? ", " + human_duration(age * 1e9) + " before this report: it is gone or stuck"
                 : "");
    body = caches(m) + "<div class=\"pair\">" + reads(m) + hints(m) + "</div>\n";
  } else {
    intro =
        "Its cache, filter and stale-hint rates are its own, and this report was made of a copy. "
        "They are in the file that it writes where <code>Options::metrics_file</code> says: "
        "<code>caveat report STORE --metrics FILE</code> shows them here, <code>caveat top "
        "FILE</code> shows them live.";
  }
  return fmt::format(
      "<section aria-labelledby=\"owner\"><h2 id=\"owner\">The process that has it open</h2>"
      "<p>{}</p>\n{}</section>\n",
      intro, body);
}

}  // namespace caveat::cli
