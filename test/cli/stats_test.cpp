// `caveat stats`, byte for byte. CAVEAT_REGENERATE=1 ./test_cli stats* writes the files anew.
#include <simdjson.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/json/reports.h"
#include "test/support/test_folder.h"
#include "tools/cli/explanation.h"
#include "tools/cli/stats_report.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

StatsReport sample() {
  StatsReport report;
  auto& s = report.storage;
  s.total_exceptions = s.total_exceptions_min = s.total_exceptions_max = 469'763;
  s.total_properties = 15'784;
  s.partitions = 1'835;
  s.compression.uncompressed_bytes = 42'231'694;
  s.compression.compressed_bytes = 6'341'801;
  s.compression.compression_ratio = 6.6592;
  s.compression.compression_ratio_x100 = 665;
  s.dictionaries = 1;
  s.indexes = {{"property", 12, 220'789, 412'345, 4'096, 10, 1, 0, 0, 0},
               {"temporal", 31, 474'460, 469'000, 9'216, 0, 0, 0, 0, 2}};
  s.record_cache = {990, 10, 0, 1'000'000, 16'777'216};
  s.memory_bytes = 30'000'000;
  s.memory_budget_bytes = 268'435'456;
  report.columns = {{"node", 3'758'104, 60'000, 51'000, {{"runs", 1'800}, {"delta", 35}}},
                    {"actual", 9'000'000, 7'000'000, 2'500'000, {{"table", 1'835}}}};
  report.directory_bytes = 7'654'321;
  report.waiting_rows = 12;
  return report;
}

void check_golden(const std::string& text, const char* name) {
  const auto path = test::test_folder() / "golden" / name;
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  CHECK(text == std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

TEST_CASE("stats for people") {
  check_golden(stats_text(sample()), "stats.txt");
}

TEST_CASE("stats for programs") {
  const auto text = stats_json(sample());
  check_golden(text, "stats.json");
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  REQUIRE(parser.parse(text).get(json) == simdjson::SUCCESS);
  CHECK(std::uint64_t(json["compression"]["compressed_bytes"]) == 6'341'801);
}

TEST_CASE("stats has every figure that the library's own JSON has, under the same name") {
  json::JsonWriter library;
  library.begin_object();
  json::write(sample().storage, library);
  library.end_object();
  simdjson::dom::parser one, other;
  simdjson::dom::object figures, shown;
  REQUIRE(one.parse(library.written()).get(figures) == simdjson::SUCCESS);
  REQUIRE(other.parse(stats_json(sample())).get(shown) == simdjson::SUCCESS);
  CHECK(figures.size() > 30);
  for (const auto& figure : figures) {
    CAPTURE(std::string(figure.key));
    simdjson::dom::element same;
    REQUIRE(shown[figure.key].get(same) == simdjson::SUCCESS);
    CHECK(simdjson::minify(same) == simdjson::minify(figure.value));
  }
}

TEST_CASE("stats of an empty store") {
  check_golden(stats_text({}), "stats-empty.txt");
}

TEST_CASE("stats --explain shows each option, who chose it and why, as text and as JSON") {
  TuningExplanation explained;
  explained.options = {{"compression",
                        "zstd",
                        ChosenBy::store,
                        "the fastest to read within 5 % of the smallest: zstd: 14.48 B a record on "
                        "a sample of 2,048; "
                        "lz4: 21.02 (+45.2 %)",
                        {{"zstd", 14.48}, {"lz4", 21.02}}},
                       {"partition_records", "512", ChosenBy::host, "set by the host", {}},
                       {"dictionary_bytes",
                        "112 KiB",
                        ChosenBy::defaults,
                        "too few records to choose: 17 of 4,096",
                        {}}};
  explained.partitions = 1'903;
  explained.rows = 469'763;
  explained.with_dictionary = 1'900;
  explained.codecs = {{"lz4", 3}, {"zstd", 1'900}};
  check_golden(explanation_text(explained), "explain.txt");
  check_golden(explanation_json(explained), "explain.json");
  check_golden(explanation_text({}), "explain-empty.txt");
}
