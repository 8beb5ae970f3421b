// What a report counts, and that nothing of a store's own text gets into its markup.
#include <simdjson.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "test/cli/tool.h"
#include "test/support/seed.h"
#include "tools/cli/report/census.h"
#include "tools/cli/report/html.h"
#include "tools/cli/report/report_page.h"
#include "tools/cli/terminal.h"

using namespace caveat;
using namespace caveat::cli;
using namespace caveat::test;

namespace {

class Quiet final : public ProgressSink {
 public:
  bool on_progress(const Progress&) override { return true; }
};

Exception exception_at(std::int64_t created_at, float confidence, ExceptionSource source) {
  Exception exception;
  exception.inherited_value = true;
  exception.actual_value = "no";
  exception.reason = "because";
  exception.created_at = created_at;
  exception.confidence = confidence;
  exception.source = source;
  return exception;
}

std::uint64_t sum_of(const std::vector<TimeLine::Bucket>& buckets) {
  std::uint64_t sum = 0;
  for (const auto& bucket : buckets) sum += bucket.count;
  return sum;
}

}  // namespace

TEST_CASE("a time line counts every time, in even buckets, wherever they lie") {
  const auto seed = chosen_seed();
  INFO("CAVEAT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40; ++round) {
    TimeLine line;
    std::vector<std::int64_t> times;
    const int shift = static_cast<int>(random() % 64);  // from years to nanoseconds apart
    for (std::size_t i = 1 + random() % 400; i > 0; --i) {
      times.push_back(static_cast<std::int64_t>(random()) >> shift);
      line.add(times.back());
    }
    const auto buckets = line.buckets(60);
    REQUIRE(buckets.size() <= 60);
    CHECK(line.count() == times.size());
    CHECK(sum_of(buckets) == times.size());
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const auto inside = std::count_if(times.begin(), times.end(), [&](std::int64_t time) {
        return time >= buckets[i].begin_ns &&
               (i + 1 == buckets.size() || time < buckets[i + 1].begin_ns);
      });
      REQUIRE(static_cast<std::uint64_t>(inside) == buckets[i].count);
    }
  }
  CHECK(TimeLine().buckets(60).empty());
}

TEST_CASE("a census counts what is in a store") {
  StorageOptimizer store;
  const auto flies = store.register_property("flies");
  REQUIRE(flies);
  const PropertyHash nameless = 77;
  for (NodeId node = 1; node <= 1000; ++node) {
    const auto source = node % 4 == 0 ? ExceptionSource::Detected : ExceptionSource::Explicit;
    const float confidence = node % 10 == 0 ? 1.0F : 0.42F;
    REQUIRE(store.store_exception(
        {node, *flies},
        exception_at(static_cast<std::int64_t>(node) * 1'000'000'000, confidence, source)));
    if (node % 2 == 0) {
      REQUIRE(store.store_exception({node, nameless},
                                    exception_at(0, 0.0F, ExceptionSource::Imported)));
    }
  }
  REQUIRE(store.flush());
  const auto partitions = CompressedExceptionStore(store).partitions();
  REQUIRE(partitions);
  Quiet quiet;
  const auto census = take_census(store, *partitions, quiet);
  REQUIRE(census);
  CHECK(census->records == 1500);
  CHECK(census->nodes == 1000);
  CHECK(census->by_source[0] == 750);
  CHECK(census->by_source[1] == 250);
  CHECK(census->by_source[4] == 500);
  CHECK(census->by_confidence[0] == 500);
  CHECK(census->by_confidence[8] == 900);
  CHECK(census->by_confidence[19] == 100);
  CHECK(census->by_kind[static_cast<std::size_t>(ValueKind::String)] == 1500);
  CHECK(census->by_time.count() == 1500);
  REQUIRE(census->properties.size() == 2);
  CHECK(census->properties[0].hash == *flies);
  CHECK(census->properties[0].records == 1000);
  CHECK(census->properties[1].hash == nameless);
  // What the properties take is what the partitions take.
  double stored = 0;
  for (const auto& share : census->properties) stored += share.stored_bytes;
  std::uint64_t bytes = 0;
  for (const auto& partition : *partitions) bytes += partition.bytes;
  CHECK(stored == Approx(static_cast<double>(bytes)));
  // So small a store is all sample, and it knows what that takes.
  CHECK(census->sample.size() == 1500);
  CHECK(census->sample_stored_bytes == bytes);
}

TEST_CASE("a report holds no markup of the store's, and fetches nothing") {
  StorageOptimizer store;
  const std::string hostile = "<script>alert('1')</script>\"&\x1b[31m\xff";
  const auto property = store.register_property(hostile);
  REQUIRE(property);
  REQUIRE(store.store_exception({1, *property}, exception_at(1, 0.5F, ExceptionSource::Explicit)));
  Quiet quiet;
  const auto data = gather_report("</title><b>", store, {}, quiet);
  REQUIRE(data);
  const std::string html = report_html(*data);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  CHECK(html.find('\x1b') == std::string::npos);
  CHECK(html.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;\\x1b[31m\\xff") !=
        std::string::npos);
  CHECK(html.find("http://") == std::string::npos);
  CHECK(html.find("https://") == std::string::npos);
  CHECK(html.find("<strong>Sound.</strong>") != std::string::npos);
}

TEST_CASE("a report of an empty store says so, and divides by nothing") {
  StorageOptimizer store;
  Quiet quiet;
  const auto data = gather_report("empty", store, {}, quiet);
  REQUIRE(data);
  const std::string html = report_html(*data);
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.find("inf") == std::string::npos);
  CHECK(html.find("This store is empty") != std::string::npos);
  CHECK(html.find("caveat import STORE FILE") != std::string::npos);
  CHECK(html.find("<table") == std::string::npos);
}

TEST_CASE("a report cuts a long name, and unfolds to all of it") {
  StorageOptimizer store;
  const std::string name = std::string(3000, 'n') + "END";
  const auto property = store.register_property(name);
  REQUIRE(property);
  REQUIRE(store.store_exception({1, *property}, exception_at(1, 0.5F, ExceptionSource::Explicit)));
  Quiet quiet;
  const auto data = gather_report("long", store, {}, quiet);
  REQUIRE(data);
  const std::string html = report_html(*data);
  CHECK(html.find("<summary title=\"" + name + "\">" + std::string(38, 'n') + "…" +
                  std::string(54, 'n') + "END</summary>" + name + "</details>") !=
        std::string::npos);
  CHECK(cut_in_the_middle("short", 5) == "short");
  CHECK(cut_in_the_middle("/a/long/name/of/a/tail", 10) == "/a/l…/tail");
  CHECK(cut_in_the_middle("漢字漢字漢字漢字", 9) == "漢…漢字");
  CHECK(cut_in_the_middle("éééééééééé", 4) == "é…éé");
}

TEST_CASE("names that differ in their middle are told apart in a report", "[regression]") {
  const std::string head(80, 'h');
  const std::string tail(200, 't');
  std::vector<BarRow> rows;
  for (const char* middle : {"one", "two", "three"})
    rows.push_back({head + middle + tail, 1, {"1"}});
  const std::string html = bar_table("names", {"name", "count"}, rows);
  for (const char* middle : {"one", "two", "three"}) {
    CHECK(html.find(">" + head + middle + "t") != std::string::npos);
  }
  CHECK(html.find("<summary") == std::string::npos);  // none is cut
  rows.resize(1);                                     // alone it need not be told from anything
  CHECK(bar_table("names", {"name", "count"}, rows).find("<summary") != std::string::npos);
}

TEST_CASE("a report shows the rates of the process that has the store open, or how to get them") {
  const TestDirectory directory;
  Options options;
  options.metrics_file = directory.path("owner.prom");
  options.metrics_interval = std::chrono::milliseconds(100);
  auto store = StorageOptimizer::open(directory.path("store"), options).value();
  for (NodeId node = 0; node < 500; ++node) {
    REQUIRE(store.store_exception({node, 7}, Exception{}));
  }
  REQUIRE(store.flush());
  REQUIRE(store.optimize_storage());
  for (NodeId node = 0; node < 400; ++node) {
    REQUIRE(store.contains({node + 250, 7}));
  }
  const auto without = run_tool({"report", directory.path("store")});
  REQUIRE(without.exit == 0);
  CHECK(without.out.find("--metrics FILE") != std::string::npos);
  CHECK(without.out.find("Point reads, since") == std::string::npos);
  std::string page;
  for (int i = 0; i < 200 && page.find(">250</td>") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    page = run_tool({"report", directory.path("store"), "--metrics", directory.path("owner.prom")})
               .out;
  }
  CHECK(page.find("found an exception</th>") != std::string::npos);
  CHECK(page.find("<td class=\"n\">250</td><td class=\"n\">62.5%</td>") != std::string::npos);
  CHECK(page.find("<td class=\"n\">150</td><td class=\"n\">37.5%</td>") != std::string::npos);
  CHECK(page.find("Hints that queries followed") != std::string::npos);
  CHECK(page.find("it is gone or stuck") == std::string::npos);
  const auto json = run_tool({"report", directory.path("store"), "--json", "--no-verify",
                              "--metrics", directory.path("owner.prom")});
  CHECK(json.out.find("\"owner_metrics\":{") != std::string::npos);
  CHECK(run_tool({"report", directory.path("store"), "--metrics", directory.path("none")}).exit ==
        3);
}

// The sizes were of before the copy's fold, and the counts of after it.
TEST_CASE("the figures of a store that is not folded are of one moment", "[regression]") {
  const TestDirectory directory;
  const auto path = directory.path("store");
  Options options;
  options.background_maintenance = false;
  auto store = StorageOptimizer::open(path, options).value();
  for (NodeId node = 0; node < 5000; ++node) {
    REQUIRE(store.store_exception(
        {node, 7}, exception_at(static_cast<std::int64_t>(node), 0.5F, ExceptionSource::Explicit)));
  }
  const auto page = run_tool({"report", path}).out;
  CHECK(page.find("5,000 recent writes wait in the store's log") != std::string::npos);
  const auto json = run_tool({"report", path, "--json"}).out;
  CHECK(json.find("\"waiting_rows\":5000") != std::string::npos);
  // Which sizes are of before the fold is said where they are.
  CHECK(page.find("logs with recent writes") != std::string::npos);
  CHECK(page.find("Parts of the directory, before recent writes are folded") != std::string::npos);
  CHECK(page.find("wait in the log to be folded.") == std::string::npos);
  CHECK(store.estimate_storage_statistics().delta_rows == 5000);  // it was the copy's fold
  REQUIRE(store.flush());
  CHECK(run_tool({"report", path}).out.find("recent writes wait") == std::string::npos);
}

TEST_CASE("the parts of a directory are all of it, whatever of a store is in its log",
          "[regression]") {
  // Opening the copy makes tables out of the log, and the log was counted, too.
  const TestDirectory directory;
  const auto path = directory.path("store");
  Options options;
  options.background_maintenance = false;
  auto store = StorageOptimizer::open(path, options).value();
  const auto parts = [&] {
    const auto made = run_tool({"report", path, "--json", "--no-verify"});
    REQUIRE(made.exit == 0);
    simdjson::dom::parser parser;
    simdjson::dom::element report;
    REQUIRE(parser.parse(made.out).get(report) == simdjson::SUCCESS);
    std::map<std::string, std::uint64_t> bytes;
    std::uint64_t sum = 0;
    for (const auto& [name, count] : simdjson::dom::object(report["disk_bytes"])) {
      sum += bytes[std::string(name)] = std::uint64_t(count);
    }
    CHECK(sum == std::uint64_t(report["directory_bytes"]));
    return bytes;
  };
  const auto add = [&](std::uint64_t from, std::uint64_t to) {
    for (auto node = from; node < to; ++node) {
      REQUIRE(store.store_exception({node, node % 5},
                                    exception_at(1, 0.5F, ExceptionSource::Detected)));
    }
  };
  add(0, 3000);
  const std::string logs = "logs with recent writes, and RocksDB's own files";
  auto bytes = parts();
  CHECK(bytes.at(logs) > 30'000);
  CHECK(bytes.at("recent writes") == 0);
  CHECK(bytes.at("records") == 0);
  REQUIRE(store.close());
  store = StorageOptimizer::open(path, options).value();
  add(3000, 3010);
  bytes = parts();
  CHECK(bytes.at("records") + bytes.at("recent writes") > 1000);
  CHECK(bytes.at(logs) < 30'000);
}

TEST_CASE("the metrics of another store are refused for a report", "[regression]") {
  const TestDirectory directory;
  const auto make = [&](const char* name) {
    Options options;
    options.metrics_file = directory.path(std::string(name) + ".prom");
    auto store = StorageOptimizer::open(directory.path(name), options).value();
    REQUIRE(store.store_exception({1, 7}, Exception{}));
    return store;
  };
  auto one = make("one");
  auto other = make("other");
  write_file(directory.path("one.prom"), one.metrics());
  write_file(directory.path("other.prom"), other.metrics());
  const auto path = directory.path("one");
  CHECK(run_tool({"report", path, "--metrics", directory.path("one.prom")}).exit == 0);
  const auto refused = run_tool({"report", path, "--metrics", directory.path("other.prom")});
  CHECK(refused.exit == 2);
  CHECK(refused.out.empty());
  CHECK(refused.err.find("these are the figures of another store, which was made at 20") !=
        std::string::npos);
  // One that does not say which store it is of was once taken for any.
  auto older = one.metrics();
  const auto at = older.find("caveat_store_made_timestamp_seconds ");
  const auto sample = older.find("\ncaveat_store_made_timestamp_seconds ") + 1;
  REQUIRE(at != std::string::npos);
  older.erase(sample, older.find('\n', sample) + 1 - sample);
  write_file(directory.path("older.prom"), older);
  const auto unknown = run_tool({"report", path, "--metrics", directory.path("older.prom")});
  CHECK(unknown.exit == 2);
  CHECK(unknown.out.empty());
  CHECK(unknown.err.find("older.prom: it does not say of which store it is "
                         "(caveat_store_made_timestamp_seconds is missing)") != std::string::npos);
}

TEST_CASE("caveat report makes a page, and JSON with the same figures") {
  TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(3000)).exit == 0);
  const auto page = directory.path("report.html");
  const auto made = run_tool({"report", store, "-o", page});
  REQUIRE(made.exit == 0);
  CHECK(made.out.empty());
  const std::string html = read_file(page);
  CHECK(html.starts_with("<!DOCTYPE html>"));
  CHECK(html.size() < 2'000'000);
  CHECK(html.find("3,000") != std::string::npos);
  const auto json = run_tool({"report", store, "--json", "--no-verify"});
  REQUIRE(json.exit == 0);
  CHECK(json.out.find("\"exceptions\":3000") != std::string::npos);
  CHECK(json.out.find("\"sound\"") == std::string::npos);
  CHECK(run_tool({"report", directory.path("none")}).exit == 3);
}
