// Damage in one file: the rest of the store goes on.
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "adapters/rocksdb/live_checkpoint.h"
#include "engine/store/lost_families.h"
#include "test/adapters/harness.h"
#include "test/support/store_files.h"

#ifndef CAVEAT_TEST_TSAN
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace caveat;
using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

class Listener final : public KvObserver {
 public:
  void on_background_error(const StorageError& error) noexcept override {
    const std::lock_guard lock(mutex_);
    errors_.push_back(error);
  }
  [[nodiscard]] std::vector<StorageError> errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<StorageError> errors_;
};

class Silent final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Bytes that do not compress.
std::string noise(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

fs::path largest_table(const fs::path& directory) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  return largest;
}

constexpr Family kIndexes[] = {Family::property, Family::source, Family::confidence,
                               Family::temporal};

// A table for each family, closed. Returns the tables by family.
std::map<Family, fs::path> make_tables(RocksdbKind& kind) {
  std::mt19937 random(11);
  for (const Family family : kFamilies) {
    for (std::uint64_t i = 0; i < 50; ++i)
      put(*kind.backend, family, key_of(i), noise(random, 300));
  }
  must(kind.backend->close());
  std::map<Family, fs::path> tables;
  rocksdb::DB* db = nullptr;
  std::vector<std::string> names;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, kind.path().string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.push_back({name, {}});
  rocksdb::DBOptions options;
  options.info_log = std::make_shared<Silent>();
  REQUIRE(
      rocksdb::DB::OpenForReadOnly(options, kind.path().string(), families, &handles, &db).ok());
  std::vector<rocksdb::LiveFileMetaData> files;
  db->GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    for (const Family family : kFamilies) {
      const bool meta = family == Family::meta && file.column_family_name == "default";
      if (meta || file.column_family_name == to_string(family)) {
        tables[family] = kind.path() / file.name.substr(1);
      }
    }
  }
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  delete db;
  REQUIRE(tables.size() == kFamilyCount);
  return tables;
}

void harm(const fs::path& table, int how) {
  const auto size = fs::file_size(table);
  if (how == 0) fs::remove(table);
  if (how == 1) fs::resize_file(table, size / 2);
  if (how == 2) flip_bit(table, size - 10);  // the magic number
  if (how == 3) flip_bit(table, size - 60);  // the footer's handles or their padding
  if (how == 4) fs::resize_file(table, 0);
}

}  // namespace

TEST_CASE("damage in the table of an index empties it, and the store opens") {
  for (const Family family : kIndexes) {
    for (const int how : {0, 1, 2, 4}) {
      RocksdbKind kind;
      const auto tables = make_tables(kind);
      harm(tables.at(family), how);
      INFO(to_string(family) << ", harm " << how);
      // An inspection says the same of a copy, and leaves the store as it is.
      {
        const auto copy =
            must(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
        const auto backend = must(open_rocksdb_backend(copy));
        CHECK(walk(*backend, Family::primary).size() == 50);
        CHECK(read(*backend, Family::meta, lost_family_key(family)).has_value());
      }
      kind.backend = kind.open();
      for (const Family other : kFamilies) {
        if (other == family) {
          CHECK(walk(*kind.backend, other).empty());
        } else if (other != Family::meta) {
          CHECK(walk(*kind.backend, other).size() == 50);
        }
        CHECK(read(*kind.backend, Family::meta, lost_family_key(other)).has_value() ==
              (other == family));
      }
      put(*kind.backend, family, "new", "v");
      kind.reopen();
      CHECK(read(*kind.backend, family, "new") == "v");
    }
  }
}

TEST_CASE("damage in the table of meta or the log is refused, by the file's name") {
  for (const Family family : {Family::meta, Family::delta}) {
    for (const int how : {0, 1, 2, 4}) {
      RocksdbKind kind;
      const auto tables = make_tables(kind);
      harm(tables.at(family), how);
      harm(tables.at(Family::source), 0);  // and an index besides: it is kept
      const std::string table = tables.at(family).string();
      INFO(table << ", harm " << how);
      const auto copy = must(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
      for (const auto& path : {kind.path(), copy}) {
        const StorageError error = must_fail(open_rocksdb_backend(path));
        INFO(error.message());
        CHECK(error.code() == ErrorCode::corruption);
        CHECK(error.message().find(table) != std::string::npos);
        CHECK(error.message().find(".ldb") == std::string::npos);
        CHECK(error.message().find("copies") == std::string::npos);
        CHECK(error.message().find("backup") != std::string::npos);
      }
    }
  }
}

namespace {

// All files but the lock, which names whoever has the store open.
std::map<std::string, std::string> contents_of(const fs::path& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name == "caveat.lock" || name.starts_with("LOG")) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    contents[name] = std::string(std::istreambuf_iterator<char>(stream), {});
  }
  return contents;
}

}  // namespace

// As after a fork. RocksDB's replay can end the process of whoever inspects such a store.
TEST_CASE("a log that two processes wrote into is refused by an inspection too") {
  const int childs_rows = GENERATE(50, 333, 1'000);
  RocksdbKind kind;
  const auto write = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const auto size = static_cast<std::size_t>(60 + i * 37 % 200);
      put(*kind.backend, Family::delta, key_of(i), std::string(size, 'r'));
    }
  };
  write(0, 2'000);
  const ::pid_t child = ::fork();
  if (child == 0) {
    write(2'000, 2'000 + childs_rows);
    ::_exit(0);
  }
  REQUIRE(child > 0);
  ::waitpid(child, nullptr, 0);
  write(2'000, 4'000);
  const fs::path crashed = kind.scratch.path() / "crashed";
  fs::copy(kind.path(), crashed);
  fs::remove(crashed / "caveat.lock");
  const auto copy = must(checkpoint_of_live_store(crashed, kind.scratch.path() / "copies"));
  for (const auto& path : {crashed, copy}) {
    const StorageError error = must_fail(open_rocksdb_backend(path));
    INFO(error.message());
    CHECK(error.code() == ErrorCode::corruption);
    CHECK(error.message().find(".log is damaged at byte") != std::string::npos);
    CHECK(error.message().find("copies") == std::string::npos);
  }
}

TEST_CASE("damage in a table of the primary leaves the rest to be read, and changes nothing") {
  for (const int how : {0, 1, 2, 4}) {
    RocksdbKind kind;
    const auto tables = make_tables(kind);
    harm(tables.at(Family::primary), how);
    if (how == 0) harm(tables.at(Family::source), 0);  // and an index besides: it is kept
    const auto before = contents_of(kind.path());
    const std::string table = tables.at(Family::primary).string();
    INFO(table << ", harm " << how);
    const auto copy = must(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
    for (const auto& path : {kind.path(), copy}) {
      const auto backend = must(open_rocksdb_backend(path));
      REQUIRE(backend->read_only().has_value());
      const StorageError why = *backend->read_only();
      INFO(why.message());
      CHECK(why.code() == ErrorCode::corruption);
      CHECK(why.message().find(table) != std::string::npos);
      CHECK(why.message().find("backup") != std::string::npos);
      CHECK(why.message().find("copies") == std::string::npos);
      CHECK(walk(*backend, Family::meta).size() >= 50);
      CHECK(walk(*backend, Family::delta).size() == 50);
      CHECK(walk(*backend, Family::property).size() == 50);
      std::string value;
      const auto lost = backend->get(Family::primary, key_of(7), nullptr, value);
      REQUIRE_FALSE(lost.has_value());
      CHECK(lost.error().code() == ErrorCode::corruption);
      CHECK(lost.error().message().find(table) != std::string::npos);
      CHECK(lost.error().message().find(".ldb") == std::string::npos);
      KvBatch batch;
      batch.put(Family::meta, "k", "v");
      CHECK(must_fail(backend->write(batch, Durability::wal)).message() == why.message());
      CHECK(must_fail(backend->flush()).message() == why.message());
      CHECK(must_fail(backend->compact(Family::primary, {})).message() == why.message());
      CHECK(must_fail(backend->clear(Family::source)).message() == why.message());
      must(backend->close());
    }
    CHECK(contents_of(kind.path()) == before);
  }
}

TEST_CASE("a missing MANIFEST is named to those who inspect, too") {
  RocksdbKind kind;
  must(kind.backend->close());
  for (const auto& entry : fs::directory_iterator(kind.path())) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
  }
  const auto copy = must(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
  for (const auto& path : {kind.path(), copy}) {
    const StorageError error = must_fail(open_rocksdb_backend(path));
    INFO(error.message());
    CHECK(error.code() == ErrorCode::corruption);
    CHECK(error.message().find((kind.path() / "MANIFEST-").string()) != std::string::npos);
    CHECK(error.message().find("backup") != std::string::npos);
  }
}

TEST_CASE("a store that is open for reading only replays its log, and keeps it") {
  RocksdbKind kind;
  // As a process leaves it that is killed: what it wrote is in the log alone.
  const auto crashed = kind.scratch.path() / "crashed";
  {
    RocksdbKind other;
    const auto sound = make_tables(other);
    other.backend = other.open();
    put(*other.backend, Family::delta, "recent", "v");
    fs::copy(other.path(), crashed);
    fs::remove(crashed / sound.at(Family::primary).filename());
  }
  const auto before = contents_of(crashed);
  for (int i = 0; i < 2; ++i) {
    const auto backend = must(open_rocksdb_backend(crashed));
    REQUIRE(backend->read_only().has_value());
    CHECK(read(*backend, Family::delta, "recent") == "v");
    must(backend->close());
    CHECK(contents_of(crashed) == before);
    std::ifstream stream(crashed / "caveat.lock");
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    CHECK(text.find("logs ") != std::string::npos);
  }
}

TEST_CASE("a damaged table file stops no writes, for as many files as come after it") {
  RocksdbKind kind;
  kind.options.write_buffer_bytes = 1 << 20;
  kind.reopen();
  std::mt19937 random(3);
  for (std::uint64_t i = 0; i < 500; ++i) {
    put(*kind.backend, Family::primary, key_of(i * 1000), noise(random, 4000));
  }
  must(kind.backend->compact(Family::primary, {}));
  must(kind.backend->close());
  const fs::path table = largest_table(kind.path());
  flip_bit(table, fs::file_size(table) / 2);
  kind.backend = kind.open();
  Listener listener;
  kind.backend->set_observer(&listener);
  // Enough for level 0 to reach the number of files at which RocksDB stops writes for good.
  std::uint64_t stored = 0;
  for (std::uint64_t i = 0; i < 12'000; ++i) {
    KvBatch batch;
    batch.put(Family::primary, key_of((i * 7919) % 500'000 + 1), noise(random, 2000));
    must(kind.backend->write(batch, Durability::none));
    ++stored;
  }
  const auto errors = listener.errors();
  REQUIRE(errors.size() == 1);
  INFO(errors[0].message());
  CHECK(errors[0].code() == ErrorCode::corruption);
  CHECK(errors[0].message().find("compaction of primary") == 0);
  CHECK(errors[0].message().find(table.filename().string()) != std::string::npos);
  CHECK(stored == 12'000);
  // What is damaged says so, the rest can be read.
  std::size_t lost = 0;
  std::string value;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto got = kind.backend->get(Family::primary, key_of(i * 1000), nullptr, value);
    if (got) continue;
    CHECK(got.error().code() == ErrorCode::corruption);
    CHECK(got.error().message().find(table.filename().string()) != std::string::npos);
    ++lost;
  }
  CHECK(lost >= 1);
  CHECK(lost <= 3);
  must(kind.backend->flush());
  kind.backend->set_observer(nullptr);
  must(kind.backend->close());
  kind.backend = kind.open();
  put(*kind.backend, Family::primary, "more", "v");
  CHECK(read(*kind.backend, Family::primary, "more") == "v");
  CHECK(must_fail(kind.backend->compact(Family::primary, {})).code() == ErrorCode::corruption);
  put(*kind.backend, Family::primary, "more", "w");
  must(kind.backend->close());
}

#endif  // CAVEAT_TEST_TSAN
