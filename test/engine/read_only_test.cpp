// A part of the primary is damaged or missing: the store opens for reading. What is sound answers
// as before, what is not says so, nothing is taken for absent, and nothing changes on disk.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

constexpr NodeId kNodes = 40'000;
const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  exception.reason = "reason " + std::to_string(node * 2654435761U) + std::to_string(node);
  exception.source = node % 3 == 0 ? ExceptionSource::Detected : ExceptionSource::Imported;
  return exception;
}

std::map<std::string, std::string> contents_of(const fs::path& store) {
  std::map<std::string, std::string> contents;
  for (const auto& file : fs::directory_iterator(store)) {
    const auto name = file.path().filename().string();
    if (name != "caveat.lock" && !name.starts_with("LOG")) contents[name] = bytes_of(file.path());
  }
  return contents;
}

// Two sessions, whose records lie in different tables: the second one's in `second`.
struct TwoTables {
  ScratchDirectory directory;
  fs::path path = directory.path() / "store";
  fs::path second;
  static constexpr NodeId kSecondFrom = 30'000;

  TwoTables() {
    std::vector<fs::path> before;
    {
      auto store = value_of(StorageOptimizer::open(path));
      store_nodes(store, kProperty, 0, kSecondFrom, exception_of);
      value_of(store.flush());
      value_of(store.compact_storage());
      value_of(store.close());
      before = tables_of(path, "primary");
    }
    auto store = value_of(StorageOptimizer::open(path));
    store_nodes(store, kProperty, kSecondFrom, kNodes, exception_of);
    value_of(store.flush());
    value_of(store.close());
    for (const auto& table : tables_of(path, "primary")) {
      if (std::find(before.begin(), before.end(), table) == before.end()) second = table;
    }
    REQUIRE_FALSE(second.empty());
  }
};

// Copies an open store once the backend's own threads have nothing more to tidy up.
void copy_when_still(const fs::path& from, const fs::path& to) {
  const auto look = [&] {
    std::map<std::string, std::uintmax_t> files;
    for (const auto& file : fs::directory_iterator(from)) {
      std::error_code gone;
      files[file.path().string()] = fs::file_size(file.path(), gone);
    }
    return files;
  };
  for (auto before = look();;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto now = look();
    if (std::exchange(before, now) == now) break;
  }
  fs::copy(from, to);
}

// Every key: there, or an error. Never absent, never another record.
NodeId require_readable(StorageOptimizer& store) {
  NodeId readable = 0;
  for (NodeId node = 0; node < kNodes; node += 13) {
    const auto got = store.retrieve_exception({node, kProperty});
    if (got) {
      REQUIRE(got->has_value());
      REQUIRE(**got == exception_of(node));
      ++readable;
    } else {
      REQUIRE(got.error().code() == ErrorCode::corruption);
    }
  }
  return readable;
}

void require_read_only(StorageOptimizer& store, const std::string& named) {
  const auto statistics = store.estimate_storage_statistics();
  const auto& reason = statistics.read_only_reason;
  INFO(reason);
  REQUIRE_THAT(reason, Catch::Contains("open for reading only"));
  CHECK_THAT(reason, Catch::Contains(named));
  CHECK(statistics.background_errors >= 1);
  const auto refused = [&](const auto& result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code() == ErrorCode::corruption);
    CHECK(result.error().message() == reason);
  };
  refused(store.store_exception({1, kProperty}, exception_of(1)));
  refused(store.remove_exception({1, kProperty}));
  CHECK_FALSE(value_of(store.erase_exception({1, kProperty + 1})));  // nothing to write
  refused(store.clear_node(1));
  refused(store.register_property("a new name"));
  refused(store.flush());
  refused(store.optimize_storage());
  refused(store.rebuild_indexes());
  refused(store.compact_storage());
  refused(store.forget_lost_writes());
}

// Queries show what is before the damage, then say so, and go on behind it if asked to.
std::vector<NodeId> nodes_around_damage(StorageOptimizer& store, const Query& query,
                                        std::size_t& before_damage) {
  auto cursor = value_of(store.query(query));
  std::vector<NodeId> nodes;
  before_damage = 0;
  for (;;) {
    const auto record = cursor.next();
    if (!record) {
      CHECK(record.error().code() == ErrorCode::corruption);
      CHECK(cursor.next().error().message() == record.error().message());
      if (before_damage == 0) before_damage = nodes.size();
      REQUIRE(cursor.skip_damage());
      continue;
    }
    if (*record == nullptr) return nodes;
    nodes.push_back((*record)->key.node_id);
  }
}

}  // namespace

TEST_CASE("a store with a damaged or missing table of its records can be read", "[bad]") {
  TwoTables made;
  const auto size = fs::file_size(made.second);
  SECTION("missing") {
    fs::remove(made.second);
  }
  SECTION("cut short") {
    fs::resize_file(made.second, size / 2);
  }
  SECTION("a byte near the end") {
    auto bytes = bytes_of(made.second);
    bytes[size - 10] = static_cast<char>(bytes[size - 10] ^ 4);
    std::ofstream(made.second, std::ios::binary) << bytes;
  }
  const auto before = contents_of(made.path);
  for (int session = 0; session < 2; ++session) {
    auto store = value_of(StorageOptimizer::open(made.path));
    require_read_only(store, made.second.string());
    CHECK(require_readable(store) >= TwoTables::kSecondFrom / 13 - 100);
    for (const bool descending : {false, true}) {
      Query query;
      query.descending = descending;
      std::size_t before_damage = 0;
      const auto nodes = nodes_around_damage(store, query, before_damage);
      CHECK(nodes.size() >= TwoTables::kSecondFrom - 1000);
      CHECK(nodes.size() < kNodes);
      CHECK(std::is_sorted(nodes.begin(), nodes.end()) == !descending);
      if (!descending) CHECK(before_damage >= TwoTables::kSecondFrom - 1000);
    }
    Query detected;
    detected.source = ExceptionSource::Detected;
    CHECK(store.query(detected).has_value());
    CHECK_FALSE(store.query_by_source(ExceptionSource::Detected).has_value());
    Query first;
    first.limit = 1000;
    CHECK(value_of(store.query(first)).next().has_value());
    const auto found = value_of(store.verify());
    CHECK(found.error_count >= 2);
    CHECK(found.records >= TwoTables::kSecondFrom - 1000);
    CHECK(value_of(store.get_storage_statistics()).partitions > 0);
    CHECK(value_of(store.column_statistics()).size() > 0);
    value_of(store.close());
  }
  CHECK(contents_of(made.path) == before);
}

TEST_CASE("damage where the partitions must be read one by one leaves a store to read", "[bad]") {
  // Not closed: its pages are marked, so the directory is read off the primary.
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  const auto crashed = directory.path() / "crashed";
  {
    auto store = value_of(StorageOptimizer::open(path));
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.flush());
    value_of(store.close());
  }
  {
    Options still;  // nothing moves while it is copied
    still.background_maintenance = false;
    auto store = value_of(StorageOptimizer::open(path, still));
    for (NodeId node = 0; node < kNodes; node += 100) {
      value_of(store.store_exception({node, kProperty}, exception_of(node)));
    }
    value_of(store.flush());
    copy_when_still(path, crashed);
  }
  const auto tables = tables_of(crashed, "primary");
  REQUIRE_FALSE(tables.empty());
  auto bytes = bytes_of(tables.front());
  const std::size_t at = bytes.size() / 2;
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  std::ofstream(tables.front(), std::ios::binary) << bytes;
  for (int session = 0; session < 2; ++session) {
    auto store = value_of(StorageOptimizer::open(crashed));
    require_read_only(store, tables.front().string());
    const auto readable = require_readable(store);
    CHECK(readable >= kNodes / 13 * 9 / 10);
    CHECK(readable < kNodes / 13);
    std::size_t before_damage = 0;
    const auto nodes = nodes_around_damage(store, {}, before_damage);
    CHECK(nodes.size() >= kNodes * 9 / 10);
    CHECK(nodes.size() < kNodes);
    CHECK_FALSE(store.count({}).has_value());
    CHECK_FALSE(store.query_by_property(kProperty).has_value());
    CHECK(value_of(store.verify()).error_count >= 2);
    value_of(store.close());
  }
}

}  // namespace caveat::test
