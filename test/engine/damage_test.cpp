// Directories that are no store, of a newer format, damaged, incomplete, or in use.
#include <fstream>

#include "engine/model/bytes.h"
#include "test/support/backend_double.h"
#include "test/support/child_process.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

const PropertyHash kProperty = hash_property("p");

void fill(StorageOptimizer& store, NodeId count) {
  for (NodeId node = 0; node < count; ++node) {
    Exception exception;
    exception.actual_value = static_cast<std::int64_t>(node * 7919);
    exception.reason = "reason " + std::to_string(node * node);
    value_of(store.store_exception({node, kProperty}, exception));
  }
}

void require_refused(const fs::path& path, ErrorCode code, const std::string& part) {
  const auto opened = StorageOptimizer::open(path);
  REQUIRE_FALSE(opened.has_value());
  INFO(opened.error().message());
  CHECK(opened.error().code() == code);
  CHECK_THAT(opened.error().message(), Catch::Contains(part));
}

void make_store(const fs::path& path) {
  auto store = value_of(StorageOptimizer::open(path));
  fill(store, 2000);
  value_of(store.close());
}

std::vector<fs::path> files_with(const fs::path& path, const std::string& extension) {
  std::vector<fs::path> found;
  for (const auto& file : fs::recursive_directory_iterator(path)) {
    if (file.path().extension() == extension) found.push_back(file.path());
  }
  return found;
}

}  // namespace

TEST_CASE("a directory that is no store is refused and left alone", "[bad]") {
  ScratchDirectory directory;
  std::ofstream(directory.path() / "letter.txt") << "dear host";
  require_refused(directory.path(), ErrorCode::unsupported_format, "letter.txt");
  CHECK(std::distance(fs::directory_iterator(directory.path()), {}) == 1);
  std::ofstream(directory.path() / "file") << "x";
  const auto on_file = StorageOptimizer::open(directory.path() / "file");
  CHECK_FALSE(on_file.has_value());
  Options absent;
  absent.create_if_missing = false;
  CHECK(StorageOptimizer::open(directory.path() / "absent", absent).error().code() ==
        ErrorCode::not_found);
}

TEST_CASE("an existing store is refused where a new one is wanted", "[bad]") {
  ScratchDirectory directory;
  make_store(directory.path() / "store");
  Options options;
  options.error_if_exists = true;
  CHECK(StorageOptimizer::open(directory.path() / "store", options).error().code() ==
        ErrorCode::already_exists);
}

TEST_CASE("a store of a newer format is refused", "[bad]") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  make_store(path);
  std::ofstream(path / "CAVEAT") << "caveat store\nformat 2\n";
  require_refused(path, ErrorCode::unsupported_format, "2");
  std::ofstream(path / "CAVEAT") << "caveat store\nformat 1\n";
  CHECK(value_of(value_of(StorageOptimizer::open(path)).count({})) == 2000);
}

TEST_CASE("a superblock of a newer format or a damaged one is refused", "[bad]") {
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory)));
    fill(store, 10);
  }
  const std::string sound = stored_under(*memory, Family::meta, "S");
  const auto open_with = [&](const std::string& superblock) {
    KvBatch batch;
    batch.put(Family::meta, "S", superblock);
    value_of(memory->write(batch, Durability::wal));
    return StorageOptimizer::open(std::make_unique<BackendDouble>(memory));
  };
  std::string newer = sound;
  newer[4] = 2;
  const auto refused = open_with(newer);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::unsupported_format);
  CHECK_THAT(refused.error().message(), Catch::Contains("format 2"));
  for (std::size_t i = 0; i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    INFO("byte " << i);
    CHECK_FALSE(open_with(damaged).has_value());
  }
  CHECK_FALSE(open_with(sound.substr(0, 20)).has_value());
  CHECK(value_of(value_of(open_with(sound)).count({})) == 10);
}

TEST_CASE("a missing superblock is no empty store", "[bad]") {
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory)));
    fill(store, 10);
  }
  KvBatch batch;
  batch.erase(Family::meta, "S");
  value_of(memory->write(batch, Durability::wal));
  const auto refused = StorageOptimizer::open(std::make_unique<BackendDouble>(memory));
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().message(), Catch::Contains("superblock"));
}

TEST_CASE("a damaged container costs its own records only", "[bad]") {
  Options options;
  options.partition_records = 16;
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
    fill(store, 200);
  }
  auto it = value_of(memory->iterate(Family::primary, nullptr, false));
  it->seek_to_first();
  it->next();
  REQUIRE(it->valid());
  std::string damaged(it->value());
  const NodeId node = __builtin_bswap64(get_fixed<std::uint64_t>(it->key(), 0));
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  KvBatch batch;
  batch.put(Family::primary, it->key(), damaged);
  it.reset();
  value_of(memory->write(batch, Durability::wal));

  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  const auto lost = store.retrieve_exception({node, kProperty});
  REQUIRE_FALSE(lost.has_value());
  INFO(lost.error().message());
  CHECK(lost.error().code() == ErrorCode::corruption);
  CHECK_THAT(lost.error().message(), Catch::Contains("primary node " + std::to_string(node)));
  std::size_t there = 0;
  for (NodeId other = 0; other < 200; ++other) {
    there += store.retrieve_exception({other, kProperty}).has_value() ? 1U : 0U;
  }
  CHECK(there >= 200 - 20);
  CHECK(there < 200);
  CHECK_FALSE(store.query_by_property(kProperty).has_value());
  CHECK(value_of(store.verify()).errors.size() >= 1);
  // It does not stand in the way of writes, also of its own keys.
  for (int i = 0; i < 3; ++i) value_of(store.store_exception({node, kProperty}, {}));
  value_of(store.flush());
  value_of(store.store_exception({5000, kProperty}, {}));
  CHECK(value_of(store.contains({5000, kProperty})));
}

TEST_CASE("files that are missing or damaged are named", "[bad]") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  make_store(path);
  SECTION("no CURRENT") {
    fs::remove(files_with(path, "").empty() ? path : path / "CURRENT");
    require_refused(path, ErrorCode::corruption, "CURRENT");
  }
  SECTION("all table files are gone") {
    const auto tables = files_with(path, ".sst");
    REQUIRE_FALSE(tables.empty());
    for (const auto& table : tables) fs::remove(table);
    require_refused(path, ErrorCode::corruption, ".sst");
  }
  SECTION("a table file is cut short") {
    for (const auto& table : files_with(path, ".sst")) fs::resize_file(table, 100);
    const auto opened = StorageOptimizer::open(path);
    if (opened) {
      CHECK_FALSE(opened->count({}).has_value());
    } else {
      INFO(opened.error().message());
      CHECK(opened.error().code() == ErrorCode::corruption);
    }
  }
  SECTION("the marker is gone") {
    fs::remove(path / "CAVEAT");
    CHECK_FALSE(StorageOptimizer::open(path).has_value());
  }
}

TEST_CASE("a lost file of an index costs time until the indexes are rebuilt", "[bad]") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  make_store(path);
  value_of(value_of(StorageOptimizer::open(path)).rebuild_indexes());
  // Each table in turn: an index is done without, one of the primary makes the store read-only, and
  // all else is refused by name.
  const auto saved = directory.path() / "saved";
  fs::copy(path, saved);
  std::size_t done_without = 0;
  for (const auto& table : files_with(saved, ".sst")) {
    fs::remove_all(path);
    fs::copy(saved, path);
    fs::remove(path / table.filename());
    auto opened = StorageOptimizer::open(path);
    const auto require_named = [&](const std::string& message) {
      INFO(message);
      CHECK_THAT(message, Catch::Contains((path / table.filename()).string()));
      CHECK_THAT(message, !Catch::Contains(".ldb"));
    };
    if (!opened) {
      CHECK(opened.error().code() == ErrorCode::corruption);
      require_named(opened.error().message());
      continue;
    }
    const auto reason = opened->estimate_storage_statistics().read_only_reason;
    if (!reason.empty()) {  // of the primary
      require_named(reason);
      continue;
    }
    ++done_without;
    const auto check = [&] {
      CHECK(value_of(opened->count({})) == 2000);
      CHECK(value_of(opened->query_by_property(kProperty)).size() == 2000);
      CHECK(value_of(opened->query_by_source(ExceptionSource::Detected)).size() +
                value_of(opened->query_by_source(ExceptionSource::Explicit)).size() ==
            2000);
      CHECK(value_of(opened->query_by_confidence_range(0, 1)).size() == 2000);
      CHECK(value_of(opened->query_by_time_range(INT64_MIN, INT64_MAX)).size() == 2000);
    };
    check();
    // And so when it is opened again: the mark was kept.
    value_of(opened->close());
    opened = StorageOptimizer::open(path);
    REQUIRE(opened.has_value());
    check();
    value_of(opened->rebuild_indexes());
    check();
    CHECK(value_of(opened->verify()).errors.empty());
  }
  CHECK(done_without >= 4);
}

// Runs in a child process: holds the store until it is killed.
TEST_CASE("child: hold a store open", "[.child]") {
  auto store = value_of(StorageOptimizer::open(child_directory() / "store"));
  say("open");
  for (;;) ::pause();
}

TEST_CASE("a store that another process has open names that process", "[bad]") {
  ScratchDirectory directory;
  ChildProcess child("child: hold a store open", directory.path());
  REQUIRE(child.next_line() == "open");
  require_refused(directory.path() / "store", ErrorCode::locked, std::to_string(child.pid()));
  child.kill();
  value_of(StorageOptimizer::open(directory.path() / "store"));
}

}  // namespace caveat::test
