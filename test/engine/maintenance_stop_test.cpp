// Maintenance that is stopped at any of its reports, and a look below the records.
#include <set>

#include "caveat/compressed_exception_store.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception numbered(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "record of node " + std::to_string(node * 7919);
  exception.created_at = static_cast<std::int64_t>(node);
  return exception;
}

// Says no to the report with that number.
class StopsAt final : public ProgressSink {
 public:
  explicit StopsAt(std::uint64_t report) : left_(report) {}
  [[nodiscard]] bool on_progress(const Progress& progress) override {
    stages.insert(std::string(progress.stage));
    return left_-- > 0;
  }
  std::set<std::string> stages;

 private:
  std::uint64_t left_;
};

Options small_partitions() {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  return options;
}

// Overwritten and with rows in the delta, so that each kind of maintenance has something to do.
void fill(StorageOptimizer& store) {
  store_nodes(store, kProperty, 0, 2500, numbered);
  value_of(store.flush());
  store_nodes(store, kProperty, 0, 1000, numbered);
  value_of(store.clear_node(2400));
  value_of(store.flush());
  store_nodes(store, kProperty, 900, 950, numbered);
}

template <class Call>
std::set<std::string> stopped_everywhere(const Call& call) {
  std::set<std::string> stages;
  for (std::uint64_t report = 0;; report += 1 + report / 6) {
    StorageOptimizer store(0, small_partitions());
    fill(store);
    StopsAt stop(report);
    const auto done = call(store, &stop);
    stages.insert(stop.stages.begin(), stop.stages.end());
    if (!done) CHECK(done.error().code() == ErrorCode::cancelled);
    CHECK(value_of(store.count({})) == 2499);
    const auto verified =
        value_of(store.verify());  // (a rebuild that was stopped is to be repeated)
    for (const auto& error : verified.errors) UNSCOPED_INFO(error);
    CHECK(verified.errors.empty());
    if (done) return stages;
  }
}

}  // namespace

TEST_CASE("maintenance can be stopped at any report, and leaves the store whole") {
  using Sink = ProgressSink*;
  const auto optimized = stopped_everywhere(
      [](StorageOptimizer& store, Sink sink) { return store.optimize_storage(sink); });
  CHECK(optimized.size() > 2);
  const auto verified =
      stopped_everywhere([](StorageOptimizer& store, Sink sink) { return store.verify(sink); });
  CHECK(verified.size() >= 2);
  CHECK_FALSE(stopped_everywhere([](StorageOptimizer& store, Sink sink) {
                return store.rebuild_indexes(sink);
              }).empty());
  CHECK_FALSE(stopped_everywhere([](StorageOptimizer& store, Sink sink) {
                return store.compact_storage(sink);
              }).empty());
}

TEST_CASE("each record is where the store says that it lies, in a block or behind it") {
  StorageOptimizer store(0, small_partitions());
  CHECK_FALSE(value_of(CompressedExceptionStore(store).locate({1, kProperty})));
  fill(store);
  value_of(store.flush());
  value_of(store.store_exception({3, kProperty}, numbered(3)));  // appended by the next fold
  value_of(store.remove_exception({5, kProperty}));
  value_of(store.flush());
  const CompressedExceptionStore below(store);
  std::set<std::uint64_t> partitions;
  std::set<std::pair<std::uint64_t, std::uint32_t>> places;
  for (NodeId node = 0; node < 2500; ++node) {
    const auto place = value_of(below.locate({node, kProperty}));
    if (node == 5 || node == 2400) {
      CHECK_FALSE(place);
      continue;
    }
    REQUIRE(place);
    CHECK(places.insert({place->partition_id, place->row}).second);
    partitions.insert(place->partition_id);
    CHECK(value_of(below.read(*place)) == ExceptionRecord{{node, kProperty}, numbered(node)});
  }
  const auto list = value_of(below.partitions());
  CHECK(list.size() >= partitions.size());
  for (const PartitionInfo& partition : list) {
    CHECK(value_of(below.container(partition.id)).size() == partition.bytes);
    if (partition.rows > 0) CHECK(below.describe(partition.id).has_value());
  }
  CHECK(below.read({~std::uint32_t{0}, 0}).error().code() == ErrorCode::not_found);
  CHECK(below.read({list.front().id, 100'000}).error().code() == ErrorCode::not_found);
  CHECK(below.container(~std::uint32_t{0}).error().code() == ErrorCode::not_found);
  CHECK(below.describe(~std::uint32_t{0}).error().code() == ErrorCode::not_found);
}

TEST_CASE("an option that nobody can have is refused by its name") {
  const auto refused = [](const char* name, const auto& change) {
    Options options;
    change(options);
    const auto opened = StorageOptimizer::open(make_memory_backend(), options);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == ErrorCode::invalid_argument);
    INFO(opened.error().message());
    CHECK(opened.error().message().find(name) != std::string::npos);
  };
  refused("memory_budget_bytes", [](Options& o) { o.memory_budget_bytes = 1; });
  refused("cache_bytes", [](Options& o) { o.cache_bytes = o.memory_budget_bytes; });
  refused("delta_bytes", [](Options& o) { o.delta_bytes = o.memory_budget_bytes; });
  refused("partition_records", [](Options& o) { o.partition_records = 15; });
  refused("partition_records", [](Options& o) { o.partition_records = 5000; });
  refused("partition_bytes", [](Options& o) { o.partition_bytes = 1023; });
  refused("partition_bytes", [](Options& o) { o.partition_bytes = std::size_t{65} << 20; });
  refused("compression_level", [](Options& o) { o.compression_level = 0; });
  refused("compression_level", [](Options& o) { o.compression_level = 20; });
  refused("optimize_compression_level", [](Options& o) { o.optimize_compression_level = 0; });
  refused("optimize_compression_level", [](Options& o) { o.optimize_compression_level = 20; });
  refused("dictionary_bytes", [](Options& o) { o.dictionary_bytes = std::size_t{5} << 20; });
  refused("metrics_interval", [](Options& o) {
    o.metrics_file = "metrics";
    o.metrics_interval = std::chrono::milliseconds(99);
  });
  refused("durability", [](Options& o) { o.durability = static_cast<Durability>(9); });
  refused("custom_codecs", [](Options& o) { o.custom_codecs.emplace_back(200, nullptr); });
  refused("compression", [](Options& o) { o.compression = static_cast<CompressionAlgorithm>(77); });
}

}  // namespace caveat::test
