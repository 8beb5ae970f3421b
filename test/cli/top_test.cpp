// caveat top: figures read back from their text, and what is shown of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "caveat/storage_optimizer.h"
#include "test/cli/tool.h"
#include "tools/cli/top/screen.h"
#include "tools/cli/top/view.h"

using namespace caveat;
using namespace caveat::cli;
using namespace caveat::test;

namespace {

std::string figures(double time, unsigned written, const std::string& more = "") {
  return "# HELP caveat_store_open 1: the store is open.\n# TYPE caveat_store_open gauge\n"
         "caveat_store_open 1\n"
         "caveat_build_info{version=\"0.1.0\",format=\"1\",backend=\"rocksdb\"} 1\n"
         "caveat_metrics_timestamp_seconds " +
         std::to_string(time) + "\ncaveat_records 1234567\ncaveat_rows_written_total " +
         std::to_string(written) +
         "\ncaveat_memory_bytes{part=\"caches\"} 3e7\ncaveat_memory_bytes{part=\"delta\"} 1e7\n"
         "caveat_memory_budget_bytes 268435456\n"
         "caveat_cache_bytes{cache=\"blocks\"} 5000\n"
         "caveat_cache_hits_total{cache=\"blocks\"} "
         "90\ncaveat_cache_misses_total{cache=\"blocks\"} "
         "10\n" +
         more;
}

Reading reading(double time, unsigned written, const std::string& more = "") {
  return {Metrics::parse(figures(time, written, more)).value(), time};
}

// Whatever space is between the columns.
bool has(const std::string& view, const std::string& line) {
  std::string squeezed;
  for (const char c : view) {
    if (c != ' ' || squeezed.empty() || squeezed.back() != ' ') squeezed += c;
  }
  return squeezed.find(line) != std::string::npos;
}

}  // namespace

// A q behind an arrow was lost, and all but the first of some letters.
TEST_CASE("keys that come together are all taken, in their order", "[regression]") {
  std::string sent = "\033[C+-\033[6~\033OA\033[1;5Cjq";
  std::vector<Key> keys;
  while (!sent.empty()) keys.push_back(take_key(sent));
  CHECK(keys == std::vector<Key>{Key::none, Key::slower, Key::faster, Key::page_down, Key::up,
                                 Key::none, Key::down, Key::quit});
  for (const char* const cut : {"\033", "\033[", "\033[1", "\033O", "\033q"}) {
    sent = cut;
    CHECK(take_key(sent) == Key::none);
    CHECK(sent.empty());
  }
  CHECK(take_key(sent) == Key::none);
}

TEST_CASE("figures are read from the text that Prometheus reads") {
  const auto metrics = Metrics::parse(figures(1000, 7)).value();
  CHECK(metrics.of("caveat_records") == 1234567);
  CHECK(metrics.of("caveat_memory_bytes{part=\"caches\"}") == 3e7);
  CHECK(metrics.sum("caveat_memory_bytes") == 4e7);
  CHECK(metrics.sum("caveat_memory") == 0);
  CHECK(metrics.label("caveat_build_info", "version") == "0.1.0");
  CHECK(metrics.label("caveat_build_info", "back") == "");
  CHECK(metrics.labels("caveat_memory_bytes", "part") ==
        std::vector<std::string>{"caches", "delta"});
  CHECK_FALSE(metrics.find("caveat_absent"));
  CHECK(Metrics::parse("a{b=\"x } \\\" y\"} +5 1700000000\n").value().all().begin()->second == 5);
  for (const auto* text : {"nonsense\n", "a{b=\"c\" 5\n", "a 5x\n", "a\n", " 5\n", "{} 1\n"}) {
    INFO(text);
    const auto wrong = Metrics::parse(std::string("ok 1\n") + text);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message() == "metrics: line 2 is no sample");
  }
  CHECK_FALSE(Metrics::parse(std::string(Metrics::kBytesMax + 1, '\n')));
}

TEST_CASE("rates are of what has grown between two readings") {
  const auto first = reading(1000, 500);
  const auto view = top_view("a.prom", reading(1004, 2500), first);
  CHECK(has(view, "records 1,234,567\n"));
  CHECK(has(view, "rows written 500 2,500\n"));
  CHECK(has(view, "memory 40.0 MB of 268.4 MB\n"));
  CHECK(view.find("1970-01-01T00:16:44Z") != std::string::npos);
  CHECK(view.find("90.0%") != std::string::npos);
  CHECK(view.find("Warnings") == std::string::npos);
  const auto alone = top_view("a.prom", first, std::nullopt);
  CHECK(has(alone, "rows written - 500\n"));
  // Opened anew between the two.
  const auto anew = top_view("a.prom", reading(1004, 3), first);
  CHECK(has(anew, "rows written - 3\n"));
}

// They were cut at the right edge, where the figures stand: 12,345,678 read as 12,3….
TEST_CASE("a narrow screen shows every number whole", "[regression]") {
  const auto bounds =
      "caveat_records_min 1000000\ncaveat_records_max 1500000\n"
      "caveat_index_candidates_total{index=\"property\"} 123456789\n"
      "caveat_index_stale_total{index=\"property\"} 12345678\n"
      "caveat_partitions 1234567\ncaveat_partitions_with_runs 234567\n"
      "caveat_point_reads_total{result=\"hit\"} 1234567890123\n";
  const auto now = reading(1004, 12345678, bounds);
  const auto first = reading(1000, 500, bounds);
  // Words, none of which a line may break: of the wide view all are there in the narrow one.
  const auto words = [](const std::string& text) {
    std::multiset<std::string> found;
    std::string word;
    for (const char c : text + " ") {
      if (c == ' ' || c == '\n' || c == ',') {
        const bool number = word.find_first_of("0123456789") != std::string::npos;
        if (number) found.insert(word);
        word.clear();
        continue;
      }
      word += c;
    }
    return found;
  };
  const auto squeezed = [](std::string text) {  // 1,234 is one word
    std::erase(text, ',');
    return text;
  };
  const auto wide = words(squeezed(top_view("a.prom", now, first)));
  CHECK(wide.count("12345678") >= 1);
  for (const std::size_t columns : {30, 40, 60, 79}) {
    INFO(columns);
    const auto narrow = top_view("a.prom", now, first, columns);
    CHECK(words(squeezed(narrow)) == wide);
    const auto page = page_of(narrow, {"q ends"}, 200, columns, 0);
    CHECK(page.text.find("…") == std::string::npos);
  }
  CHECK(has(top_view("a.prom", now, first, 40), "rows written\n a second 3,086,295,"));
  // Where there is room nothing is stacked.
  CHECK(has(top_view("a.prom", now, first, 200), "rows written 3,086,295 12,345,678\n"));
}

TEST_CASE("where recent writes make the number of records uncertain, its bounds are shown") {
  const auto bounds = [](const char* min, const char* max) {
    return reading(1000, 5,
                   std::string("caveat_records_min ") + min + "\ncaveat_records_max " + max + "\n");
  };
  CHECK(has(top_view("a", bounds("1000000", "1500000"), std::nullopt),
            "records about 1,234,567 (1,000,000 to 1,500,000)\n"));
  CHECK(has(top_view("a", bounds("1234567", "1234567"), std::nullopt), "records 1,234,567\n"));
}

TEST_CASE("a page of the view fits the screen, and says what it hides") {
  const auto view = top_view("a.prom", reading(1000, 5), std::nullopt);
  const auto lines = [](const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  };
  const auto whole = page_of(view, {"status"}, 60, 100, 7);
  CHECK(whole.from == 0);
  CHECK(whole.last == 0);
  CHECK(lines(whole.text) == 60);
  CHECK(whole.text.ends_with("\nstatus"));
  for (const std::size_t rows : {1, 2, 3, 10, 24}) {
    const auto page = page_of(view, {"status"}, rows, 30, 1000);
    INFO(rows);
    CHECK(lines(page.text) == std::max<std::size_t>(rows, 2));
    CHECK(page.from == page.last);
    CHECK(page.last > 0);
    CHECK(page.text.find("\nlines ") != std::string::npos);
    CHECK(page.text.find("\n\n") == std::string::npos);
  }
  CHECK(page_of("a\nb\nc\n", {"s"}, 3, 80, 1).text == "b\nc\nlines 2 to 3 of 3, arrows move; s");
}

TEST_CASE("how a live view is left is the last that a narrow screen has no room for") {
  const std::vector<std::string> status = {"every 2 s (+ -)", "space looks now", "q ends"};
  const auto hint = [&](std::size_t rows, std::size_t columns) {
    const auto text = page_of("a\nb\nc\n", status, rows, columns, 0).text;
    return text.substr(text.rfind('\n') + 1);
  };
  const std::vector<std::pair<std::size_t, std::string>> small = {
      {80, "lines 1 to 2 of 3, arrows move; every 2 s (+ -), space looks now, q ends"},
      {72, "lines 1 to 2 of 3, arrows move; every 2 s (+ -), space looks now, q ends"},
      {71, "lines 1 to 2 of 3, arrows move; every 2 s (+ -), q ends"},
      {50, "lines 1 to 2 of 3, arrows move; q ends"},
      {30, "lines 1 to 2 of 3; q ends"},
      {20, "q ends"},
      {4, "q e…"}};
  for (const auto& [columns, expected] : small) CHECK(hint(3, columns) == expected);
  CHECK(hint(9, 40) == "every 2 s (+ -), space looks now, q ends");
  CHECK(hint(9, 39) == "every 2 s (+ -), q ends");
}

TEST_CASE("what somebody should do something about is said first") {
  auto late = reading(1000, 5);
  late.read_at = 1100;
  CHECK(warnings_of(late, std::nullopt) ==
        "  the figures are 100 s old: the process is gone or stuck\n");
  const auto bad =
      reading(1000, 5,
              "caveat_read_only 1\ncaveat_index_unindexed_partitions{index=\"source\"} "
              "3\ncaveat_backend_stall_state 1\ncaveat_oldest_view_age_seconds 1200\n");
  const auto warnings = warnings_of(bad, std::nullopt);
  CHECK(std::count(warnings.begin(), warnings.end(), '\n') == 4);
  CHECK(warnings_of(reading(1000, 5), std::nullopt).empty());
}

TEST_CASE("top shows a store that a process has open") {
  const TestDirectory directory;
  Options options;
  options.metrics_file = directory.path("store.prom");
  options.metrics_interval = std::chrono::milliseconds(100);
  auto store = StorageOptimizer::open(directory.path("store"), options).value();
  for (NodeId node = 0; node < 1234; ++node) {
    REQUIRE(store.store_exception({node, 7}, Exception{}));
  }
  std::string shown;
  for (int i = 0; i < 200 && shown.find("1,234\n") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    shown = run_tool({"top", directory.path("store")}).out;
  }
  CHECK(has(shown, "rows written - 1,234\n"));
  // All of them recent: regression, it said 0.
  CHECK(has(shown, "records about 1,234 (0 to 1,234)\n"));
  CHECK(shown.find("Warnings") == std::string::npos);
  REQUIRE(store.close());
  CHECK(run_tool({"top", directory.path("store")}).exit == 3);  // the file went with it
}

TEST_CASE("top shows a file once where no terminal is, and refuses what is none") {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.path("store"));
  write_file(directory.path("store.prom"), figures(1000, 7));
  for (const auto* name : {"store", "store/", "store.prom"}) {
    const auto ran = run_tool({"top", directory.path(name)});
    INFO(ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("1,234,567") != std::string::npos);
    CHECK(ran.out.find("the process is gone or stuck") != std::string::npos);
  }
  CHECK(run_tool({"top", directory.path("store"), "--json"})
            .out.find("\"caveat_records\":1234567.0,") != std::string::npos);
  CHECK(run_tool({"top", directory.path("absent")}).exit == 3);
  write_file(directory.path("other"), "node_load1 0.5\n");
  CHECK(run_tool({"top", directory.path("other")}).exit == 1);
  write_file(directory.path("other"), "birds\n");
  CHECK(run_tool({"top", directory.path("other")}).exit == 1);
  CHECK(run_tool({"top", directory.path("store"), "--interval", "0"}).exit == 2);
}
