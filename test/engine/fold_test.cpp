// Folds of many windows, one being committed while the next is encoded.
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");
constexpr NodeId kNodes = kSanitized ? 12'000 : 40'000;

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  exception.reason = "round " + std::to_string(node % 3);
  return exception;
}

// Windows are smallest with the smallest budget.
Options small_windows() {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = options.memory_budget_bytes / 2;
  options.cache_bytes = options.memory_budget_bytes / 8;
  options.partition_records = 32;
  options.background_maintenance = false;
  return options;
}

void require_whole(StorageOptimizer& store, NodeId step) {
  REQUIRE(value_of(store.count({})) == kNodes / step);
  for (NodeId node = 0; node < kNodes; node += 11 * step) {
    REQUIRE(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
  const auto verified = value_of(store.verify());
  for (const auto& error : verified.errors) UNSCOPED_INFO(error);
  REQUIRE(verified.errors.empty());
}

}  // namespace

TEST_CASE("a crash between any two writes of a fold loses nothing", "[fold][crash]") {
  const auto memory = shared_memory_backend();
  const auto images = std::make_shared<KeepsImages::Images>();
  auto store = value_of(
      StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), small_windows()));
  // Into an empty store, then into that.
  for (const NodeId step : {2, 1}) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; node += step) {
      records.push_back({{node, kProperty}, exception_of(node)});
    }
    value_of(store.bulk_store(records));
    images->after.clear();
    images->keep = true;
    value_of(store.flush());
    images->keep = false;
    REQUIRE(images->after.size() > 3);
    for (std::size_t i = 0; i < images->after.size();
         i += 1 + images->after.size() / (kSanitized ? 3 : 10)) {
      INFO("after write " << i << " of " << images->after.size());
      auto crashed = value_of(StorageOptimizer::open(
          std::make_unique<BackendDouble>(images->after[i]), small_windows()));
      require_whole(crashed, step);
    }
    require_whole(store, step);
  }
}

TEST_CASE("the first fold of an empty store makes full partitions", "[fold]") {
  auto store = value_of(StorageOptimizer::open(
      std::make_unique<BackendDouble>(shared_memory_backend()), small_windows()));
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  const auto statistics = value_of(store.get_storage_statistics());
  CHECK(statistics.partitions >= kNodes / 32);
  CHECK(statistics.partitions <= kNodes / 32 * 11 / 10);
}

}  // namespace caveat::test
