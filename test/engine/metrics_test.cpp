// What a store says of itself in the text format of Prometheus, and in the file it keeps.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "engine/store/engine.h"
#include "engine/store/metrics_text.h"
#include "test/support/backend_double.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;
using Samples = std::map<std::string, double>;  // by name and labels

struct Exposition {
  std::vector<std::string> faults;
  Samples samples;
  std::map<std::string, std::string> types;  // by family

  [[nodiscard]] double at(const std::string& sample) const {
    const auto found = samples.find(sample);
    if (found == samples.end()) FAIL("no sample " << sample);
    return found->second;
  }
};

// Reads the format as its specification has it, and takes note of every rule that is broken.
Exposition parse(const std::string& text) {
  static const std::regex comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
  static const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (NaN|[+-]Inf|[0-9.e+-]+))re");
  static const std::set<std::string> units = {"bytes", "seconds", "total"};
  Exposition read;
  std::set<std::string> helped;
  std::string family;
  std::istringstream lines(text);
  const auto fault = [&](const std::string& what, const std::string& line) {
    read.faults.push_back(what + ": " + line);
  };
  if (text.empty() || text.back() != '\n') fault("no line feed at the end", "");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("#")) {
      if (!std::regex_match(line, match, comment)) {
        fault("no comment of the format", line);
      } else if (match[1] == "HELP") {
        if (!helped.insert(match[2]).second) fault("a family comes twice", line);
        family = match[2];
      } else {
        if (match[2] != family) fault("TYPE of another family than HELP", line);
        read.types[family] = match[3];
        const bool total = family.ends_with("_total");
        if ((match[3] == "counter") != total) fault("only counters end in _total", line);
        if (!family.starts_with("caveat_")) fault("no name of ours", line);
      }
      continue;
    }
    if (!std::regex_match(line, match, sample)) {
      fault("no sample", line);
      continue;
    }
    std::string name = match[1];
    if (read.types[family] == "summary") {
      for (const char* suffix : {"_sum", "_count"}) {
        if (name == family + suffix) name = family;
      }
    }
    if (name != family) fault("a sample outside of its family", line);
    const std::string key = match[1].str() + match[2].str();
    if (!read.samples.emplace(key, std::stod(match[4].str())).second) fault("twice", line);
  }
  return read;
}

// Counters that had no increase on any of their labels.
std::set<std::string> unmoved(const Exposition& before, const Exposition& after) {
  std::map<std::string, double> gain;
  for (const auto& [sample, value] : after.samples) {
    const std::string name = sample.substr(0, sample.find('{'));
    const auto type = after.types.find(name);
    if (type == after.types.end() || type->second != "counter") continue;
    const auto old = before.samples.find(sample);
    gain[sample] += value - (old == before.samples.end() ? 0 : old->second);
  }
  std::set<std::string> still;
  for (const auto& [sample, by] : gain) {
    if (by <= 0) still.insert(sample);
  }
  return still;
}

Exception of_node(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.source = node % 2 == 0 ? ExceptionSource::Detected : ExceptionSource::Imported;
  exception.confidence = static_cast<float>(node % 100) / 100.0F;
  exception.created_at = static_cast<std::int64_t>(node) * 3'600'000'000'000;
  exception.reason = "reason " + std::to_string(node % 7);
  return exception;
}

std::size_t matches_of(const StorageOptimizer& store, const Query& query) {
  auto cursor = value_of(store.query(query));
  std::size_t count = 0;
  while (value_of(cursor.next())) ++count;
  return count;
}

// One query by each index, by cursor and by count.
void ask(StorageOptimizer& store, PropertyHash property, const Exception& like) {
  std::array<Query, kIndexCount> queries;
  queries[0].property = property;
  queries[1].source = like.source;
  queries[2].confidence = Query::ConfidenceRange{like.confidence, like.confidence};
  queries[3].time = Query::TimeRange{like.created_at, like.created_at};
  for (const Query& query : queries) {
    CHECK(matches_of(store, query) == value_of(store.count(query)));
  }
}

// Makes use of everything that is counted.
void exercise(StorageOptimizer& store) {
  constexpr NodeId kNodes = 6000;
  constexpr NodeId kOddEvery = 600;
  const auto birds = value_of(store.register_property("birds"));
  const auto rare = value_of(store.register_property("rare"));
  Exception odd = of_node(kNodes);
  odd.source = ExceptionSource::Promoted;
  odd.confidence = 0.999F;
  store_nodes(store, birds, 0, kNodes, of_node);
  for (NodeId node = 0; node < kNodes; node += kOddEvery) {
    value_of(store.store_exception({node, rare}, odd));
  }
  value_of(store.flush());
  // Of one record in a partition that is not worth rewriting, hints stay and are stale.
  value_of(store.remove_exception({kOddEvery, rare}));
  value_of(store.flush());
  ask(store, rare, odd);
  // First a few records of blocks that find no room, then more than any cache holds.
  for (const NodeId nodes : {kNodes / 2, kNodes}) {
    for (int round = 0; round < 6; ++round) {
      for (NodeId node = 0; node < nodes; node += 100) {
        for (NodeId of_block = node; of_block < node + 12; ++of_block)
          for (int twice = 0; twice < 2; ++twice)
            static_cast<void>(value_of(store.retrieve_exception({of_block, birds})));
        static_cast<void>(value_of(store.contains({node + kNodes, birds})));
        Query nothing;
        nothing.property = birds;
        nothing.node = node;
        static_cast<void>(value_of(store.count(nothing)));
      }
    }
  }
  for (NodeId node = 0; node < 200; ++node) {
    Query then;
    const std::int64_t time = of_node(node).created_at;
    then.time = Query::TimeRange{time, time};
    for (int twice = 0; twice < 2; ++twice) CHECK(value_of(store.count(then)) == 1);
  }
  for (int part = 0; part < 50; ++part) {
    Query both;
    both.property = rare;
    both.confidence = Query::ConfidenceRange{static_cast<float>(part) / 50, 1.0F};
    static_cast<void>(value_of(store.count(both)));
  }
  // Partitions that become small are joined.
  for (NodeId node = 100; node < kNodes; ++node) value_of(store.remove_exception({node, birds}));
  value_of(store.flush());
  value_of(store.optimize_storage());
}

Options small_options() {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 64;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = 128 << 10;
  return options;
}

// What a small run on the in-memory backend has no occasion for. Other cases have, but for the
// last: it is counted where those of other caches are.
const std::set<std::string> kOfTrouble = {
    "caveat_background_errors_total",
    "caveat_write_stalls_total{cause=\"folds\"}",
    "caveat_write_stalls_total{cause=\"backend\"}",
    "caveat_write_stall_seconds_total{cause=\"folds\"}",
    "caveat_write_stall_seconds_total{cause=\"backend\"}",
    "caveat_cache_evictions_total{cache=\"postings\"}",
};

}  // namespace

TEST_CASE("the metrics keep to the text format of Prometheus", "[metrics]") {
  TestStore store(GENERATE(Backend::memory, Backend::rocksdb), small_options());
  exercise(*store);
  const Exposition read = parse(store->metrics());
  for (const auto& fault : read.faults) UNSCOPED_INFO(fault);
  CHECK(read.faults.empty());
  CHECK(read.samples.size() > 100);
  CHECK(read.at("caveat_store_open") == 1);

  // The parser is one that can say no.
  CHECK(!parse("# HELP caveat_x X.\n# TYPE caveat_x counter\ncaveat_x 1\n").faults.empty());
  CHECK(!parse("# HELP caveat_x X.\n# TYPE caveat_x gauge\ncaveat_y 1\n").faults.empty());
  CHECK(!parse("# HELP caveat_x X.\n# TYPE caveat_x gauge\ncaveat_x{a=1} 1\n").faults.empty());
  CHECK(!parse("# HELP caveat_x X.\n# TYPE caveat_x gauge\ncaveat_x 1").faults.empty());

  value_of(store->close());
  CHECK(parse(store->metrics()).samples == Samples{{"caveat_store_open", 0}});
}

TEST_CASE("text that would break a line of the format is escaped", "[metrics]") {
  MetricsText text;
  text.gauge("x", "one\\two\nthree").sample(0.5, {{"a", "q\"b\\c\nd"}, {"b", ""}});
  text.gauge("y", "Y.").sample(std::numeric_limits<double>::infinity());
  CHECK(text.take() ==
        "# HELP x one\\\\two\\nthree\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\",b=\"\"} 0.5\n"
        "# HELP y Y.\n# TYPE y gauge\ny +Inf\n");
}

TEST_CASE("numbers that are none are written as Prometheus reads them", "[metrics]") {
  MetricsText m;
  const double inf = std::numeric_limits<double>::infinity();
  m.gauge("odd", "Odd.").sample(std::nan("")).sample(inf).sample(-inf).sample(0.5);
  CHECK_THAT(m.take(), Catch::EndsWith("odd NaN\nodd +Inf\nodd -Inf\nodd 0.5\n"));
}

TEST_CASE("a metrics file that cannot be replaced or filled leaves no draft", "[metrics]") {
  const ScratchDirectory directory;
  const fs::path path = directory.path() / "metrics";
  const MetricsFile file(path);
  fs::create_directory(path);  // a file cannot take its place
  const auto renamed = file.write("text");
  REQUIRE_FALSE(renamed);
  CHECK(renamed.error().code() == ErrorCode::io_error);
  CHECK_THAT(renamed.error().message(), Catch::StartsWith(path.string() + ": rename"));
  CHECK_FALSE(fs::exists(path.string() + ".draft"));
  fs::remove(path);
  // No file may be longer: what a quota or a full disk does.
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const struct rlimit short_files { 1000, before.rlim_max };
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &short_files) == 0);
  const auto written = file.write(std::string(5000, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, ignored);
  REQUIRE_FALSE(written);
  CHECK(written.error().code() == ErrorCode::io_error);
  CHECK_THAT(written.error().message(), Catch::StartsWith(path.string() + ".draft: write"));
  CHECK_FALSE(fs::exists(path));
  CHECK_FALSE(fs::exists(path.string() + ".draft"));
}

TEST_CASE("every counter counts what it is named for", "[metrics]") {
  TestStore store(Backend::memory, small_options());
  const Exposition before = parse(store->metrics());
  exercise(*store);
  Exposition after = parse(store->metrics());
  CHECK(unmoved(before, after) == kOfTrouble);

  // A counter that nobody adds to is found out: here one that is taken back to what it was.
  const std::string planted = "caveat_index_stale_total{index=\"source\"}";
  REQUIRE(after.samples.contains(planted));
  after.samples[planted] = before.at(planted);
  CHECK(unmoved(before, after).contains(planted));
}

TEST_CASE("the metrics are what the statistics say", "[metrics]") {
  TestStore store(Backend::rocksdb, small_options());
  exercise(*store);
  const StorageStatistics s = store->estimate_storage_statistics();
  const Exposition read = parse(store->metrics());
  CHECK(read.at("caveat_records") == static_cast<double>(s.total_exceptions));
  CHECK(read.at("caveat_partitions") == static_cast<double>(s.partitions));
  CHECK(read.at("caveat_folds_total") == static_cast<double>(s.folds));
  CHECK(read.at("caveat_disk_bytes") > 0);
  for (const auto& index : s.indexes) {
    if (index.name == "primary") continue;
    INFO(index.name);
    const std::string label = "{index=\"" + index.name + "\"}";
    const double candidates = read.at("caveat_index_candidates_total" + label);
    CHECK(candidates == static_cast<double>(index.candidates));
    CHECK(read.at("caveat_index_hits_total" + label) +
              read.at("caveat_index_stale_total" + label) ==
          candidates);
    CHECK(read.at("caveat_index_rows_matched_total" + label) <=
          read.at("caveat_index_rows_checked_total" + label));
  }
  // Its parts are all of the memory.
  double sum = 0;
  for (const auto& [sample, value] : read.samples) {
    if (sample.starts_with("caveat_memory_bytes{")) sum += value;
  }
  std::uint64_t parts = 0;
  for (const auto& part : s.memory_parts) parts += part.bytes;
  CHECK(parts == s.memory_bytes);
  CHECK(sum > 0);
}

TEST_CASE("recent writes alone are records too, between bounds that hold", "[metrics]") {
  TestStore store(Backend::memory, small_options());
  const auto property = hash_property("p");
  store_nodes(*store, property, 0, 100, of_node);
  store_nodes(*store, property, 0, 50, of_node);  // again: the same keys
  const auto recent = store->estimate_storage_statistics();
  CHECK(recent.total_exceptions == 100);  // regression: it was 0 until they were folded
  CHECK(recent.total_exceptions_min <= 100);
  CHECK(recent.total_exceptions_max == 100);
  CHECK(parse(store->metrics()).at("caveat_records") == 100);
  value_of(store->flush());
  const auto folded = store->estimate_storage_statistics();
  CHECK(folded.total_exceptions == 100);
  CHECK(folded.total_exceptions_min == 100);
  CHECK(folded.total_exceptions_max == 100);
}

TEST_CASE("a snapshot shows in the metrics until it is gone", "[metrics]") {
  TestStore store(Backend::memory, small_options());
  store_nodes(*store, hash_property("p"), 0, 100, of_node);
  {
    const auto snapshot = store->snapshot();
    store_nodes(*store, hash_property("p"), 0, 200, of_node);
    value_of(store->flush());
    const Exposition held = parse(store->metrics());
    CHECK(held.at("caveat_open_views") == 1);
    CHECK(held.at("caveat_pinned_versions") == 1);
  }
  CHECK(parse(store->metrics()).at("caveat_pinned_versions") == 0);
}

namespace {

// Writes of folds wait until they are let through.
class SlowFolds final : public BackendDouble {
 public:
  explicit SlowFolds(std::shared_ptr<std::atomic<bool>> go)
      : BackendDouble(shared_memory_backend()), go_(std::move(go)) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t i = 0; i < batch.count(); ++i) {
      while (batch.entry(i).family == Family::primary && !*go_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    return BackendDouble::write(batch, durability);
  }

 private:
  std::shared_ptr<std::atomic<bool>> go_;
};

}  // namespace

TEST_CASE("writers that wait for folds are counted while they wait", "[metrics][threads]") {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = 64 << 10;
  options.delta_bytes = 64 << 10;
  const auto go = std::make_shared<std::atomic<bool>>(false);
  auto store = value_of(StorageOptimizer::open(std::make_unique<SlowFolds>(go), options));
  std::thread writer([&] {
    for (NodeId node = 0; node < 4000; ++node) {
      if (!store.store_exception({node, 1}, of_node(node))) return;
    }
  });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  double stalls = 0;
  while (stalls == 0 && std::chrono::steady_clock::now() < until) {
    stalls = parse(store.metrics()).samples["caveat_write_stalls_total{cause=\"folds\"}"];
  }
  CHECK(stalls > 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const Exposition waits = parse(store.metrics());
  CHECK(waits.at("caveat_write_stall_seconds_total{cause=\"folds\"}") >= 0.02);
  CHECK(waits.at("caveat_waiting_writers") == 1);
  CHECK(waits.at("caveat_waiting_generations") >= 2);
  CHECK(waits.at("caveat_waiting_bytes") > 0);
  *go = true;
  writer.join();
  CHECK(parse(store.metrics()).at("caveat_waiting_writers") == 0);
}

TEST_CASE("the metrics file is there from the open to the close, for its owner alone",
          "[metrics]") {
  const ScratchDirectory directory;
  const fs::path file = directory.path() / "caveat.prom";
  Options options = small_options();
  options.metrics_file = file;
  options.metrics_interval = std::chrono::milliseconds(99);
  const auto refused = StorageOptimizer::open(directory.path() / "store", options);
  REQUIRE(!refused);
  CHECK(refused.error().message() == "Options::metrics_interval: must be at least 100 ms");

  options.metrics_interval = std::chrono::milliseconds(100);
  auto store = value_of(StorageOptimizer::open(directory.path() / "store", options));
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0600);
  CHECK(parse(bytes_of(file)).faults.empty());

  // It is written again, and whoever reads sees one whole text or another.
  store_nodes(store, hash_property("p"), 0, 50, of_node);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  double rows = 0;
  while (rows == 0 && std::chrono::steady_clock::now() < until) {
    const Exposition read = parse(bytes_of(file));
    REQUIRE(read.faults.empty());
    rows = read.at("caveat_delta_rows");
  }
  CHECK(rows == 50);
  value_of(store.close());
  CHECK(!fs::exists(file));
  CHECK(!fs::exists(file.string() + ".draft"));
}

TEST_CASE("the metrics file keeps the mode that its owner gave it, and follows no link",
          "[metrics]") {
  const ScratchDirectory directory;
  const fs::path path = directory.path() / "caveat.prom";
  const MetricsFile file(path);
  value_of(file.write("one\n"));
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  value_of(file.write("two\n"));
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0640);
  CHECK(bytes_of(path) == "two\n");

  // Neither a link in the draft's place nor one in the file's makes another file change.
  const fs::path other = directory.path() / "other";
  std::ofstream(other) << "other\n";
  fs::create_symlink(other, path.string() + ".draft");
  value_of(file.write("three\n"));
  fs::remove(path);
  fs::create_symlink(other, path);
  value_of(file.write("four\n"));
  CHECK(bytes_of(other) == "other\n");
  CHECK(bytes_of(path) == "four\n");
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777U) == 0600);  // a link's rights are none to keep

  // A host may have closed its standard input: then the file has its number.
  const int input = ::dup(0);
  ::close(0);
  const auto written = file.write("five\n");
  if (input >= 0) ::dup2(input, 0);
  ::close(input);
  CHECK(written);
  CHECK(bytes_of(path) == "five\n");
}

TEST_CASE("a metrics file that cannot be written is an event, and no trouble for the store",
          "[metrics]") {
  struct Sink final : LogSink {
    std::atomic<int> failures{0};
    void on_event(const LogEvent& event) noexcept override {
      if (event.event == "metrics_file_failed") ++failures;
    }
  } sink;
  const ScratchDirectory directory;
  Options options = small_options();
  options.log_sink = &sink;
  options.metrics_file = directory.path() / "absent" / "caveat.prom";
  options.metrics_interval = std::chrono::milliseconds(100);
  auto store = value_of(StorageOptimizer::open(directory.path() / "store", options));
  value_of(store.store_exception({1, 2}, of_node(1)));
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  CHECK(sink.failures == 1);  // once, not each time
  value_of(store.close());
}

}  // namespace caveat::test
