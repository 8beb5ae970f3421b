// Damage where the directory is written down: pages and their marks can be made anew from the
// partitions, so it costs time, and neither an answer nor a write.
#include <mutex>

#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

constexpr NodeId kNodes = 6000;
constexpr std::size_t kPlaces = kSanitized ? 5 : 20;
const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  exception.reason = "reason " + std::to_string(node * node);
  return exception;
}

// Many small partitions, so that there are many pages.
Options small_partitions() {
  Options options;
  options.partition_records = 16;
  return options;
}

// The table of meta that holds the pages of the directory.
fs::path meta_table(const fs::path& store) {
  const auto tables = tables_of(store, "default");
  REQUIRE(tables.size() == 1);
  return tables.front();
}

void require_all(StorageOptimizer& store, NodeId count) {
  REQUIRE(value_of(store.count({})) == count);
  REQUIRE(value_of(store.query_by_property(kProperty)).size() == count);
  for (NodeId node = 0; node < count; node += 37) {
    REQUIRE(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
  REQUIRE_FALSE(value_of(store.contains({count + 1000, kProperty})));
}

std::vector<std::uint64_t> places(const fs::path& file, std::size_t count) {
  std::vector<std::uint64_t> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back(fs::file_size(file) * i / count);
  return places;
}

}  // namespace

TEST_CASE("a store opens with any byte of its directory's pages damaged", "[bad]") {
  ScratchDirectory directory;
  const auto sound = directory.path() / "sound";
  {
    auto store = value_of(StorageOptimizer::open(sound, small_partitions()));
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.close());
  }
  std::size_t done_without = 0;
  std::size_t refused = 0;
  const auto size = fs::file_size(meta_table(sound));
  for (const auto place : places(meta_table(sound), kPlaces)) {
    const auto path = directory.path() / "store";
    fs::remove_all(path);
    fs::copy(sound, path);
    flip_bit(meta_table(path), place);
    INFO("byte " << place << " of " << size);
    std::mutex mutex;
    std::vector<StorageError> told;
    auto options = small_partitions();
    options.on_background_error = [&](const StorageError& error) {
      const std::lock_guard lock(mutex);
      told.push_back(error);
    };
    NodeId count = kNodes;
    // As often as one likes: it stays damaged, and each session writes, flushes and closes.
    for (int session = 0; session < 2; ++session) {
      told.clear();
      auto opened = StorageOptimizer::open(path, options);
      if (!opened) {
        INFO(opened.error().message());
        CHECK(opened.error().code() == ErrorCode::corruption);
        CHECK_THAT(opened.error().message(), Catch::Contains(".sst"));
        ++refused;
        break;
      }
      if (told.empty() && session == 0) break;  // a byte that nobody reads
      done_without += session == 0 ? 1 : 0;
      require_all(*opened, count);
      CHECK(opened->estimate_storage_statistics().background_errors >= 1);
      const auto found = value_of(opened->verify());
      CHECK(found.error_count >= 1);
      CHECK_THAT(found.errors.at(0), Catch::Contains("directory pages"));
      // Among the partitions of a page that is lost as well as behind them all.
      for (NodeId node = 0; node < kNodes; node += 100) {
        value_of(opened->store_exception({node, kProperty}, exception_of(node)));
      }
      store_nodes(*opened, kProperty, count, count + 500, exception_of);
      count += 500;
      value_of(opened->flush());
      if (session == 0 && done_without % 4 == 1) {
        value_of(opened->optimize_storage());
        const auto compacted = opened->compact_storage();
        // The damaged file cannot be rewritten; nothing else is left undone, or stops.
        if (!compacted) CHECK(compacted.error().code() == ErrorCode::corruption);
      }
      value_of(opened->store_exception({1, kProperty}, exception_of(1)));
      require_all(*opened, count);
      value_of(opened->close());
    }
  }
  // Nearly all of the file is pages.
  CHECK(done_without >= kPlaces * 12 / 20);
  CHECK(refused <= kPlaces * 6 / 20);
}

TEST_CASE("a page that could not be read is not believed when it can be read again", "[bad]") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  const auto options = small_partitions();
  {
    auto store = value_of(StorageOptimizer::open(path, options));
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.close());
  }
  const auto table = meta_table(path);
  flip_bit(table, fs::file_size(table) / 2);
  {
    // Partitions under the lost page change: many new keys, which its filters would deny.
    auto store = value_of(StorageOptimizer::open(path, options));
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; ++node) {
      records.push_back({{node, kProperty + 1}, exception_of(node)});
    }
    value_of(store.bulk_store(records));
    value_of(store.flush());
    value_of(store.close());
  }
  REQUIRE(fs::exists(table));
  flip_bit(table, fs::file_size(table) / 2);
  auto store = value_of(StorageOptimizer::open(path, options));
  for (NodeId node = 0; node < kNodes; node += 7) {
    REQUIRE(value_of(store.contains({node, kProperty + 1})));
    REQUIRE(value_of(store.contains({node, kProperty})));
  }
  CHECK(value_of(store.count({})) == 2 * kNodes);
  CHECK(value_of(store.verify()).sound());
}

}  // namespace caveat::test
