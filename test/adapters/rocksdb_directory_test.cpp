// The directory: whose it is, what may be wrong with it, and how large it gets.
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "adapters/rocksdb/live_checkpoint.h"
#include "test/adapters/harness.h"

#ifndef CAVEAT_TEST_TSAN
#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

using namespace caveat;
using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Names, contents and times of everything.
std::string fingerprint(const fs::path& directory) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    lines.push_back(entry.path().string() + " " +
                    std::to_string(entry.last_write_time().time_since_epoch().count()) + " " +
                    (entry.is_regular_file() ? read_file(entry.path()) : ""));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

ErrorCode open_code(const fs::path& path, const RocksdbBackendOptions& options = {}) {
  const auto result = open_rocksdb_backend(path, options);
  if (result) return ErrorCode{};
  CHECK(result.error().message().find(path.string()) != std::string::npos);
  return result.error().code();
}

fs::path largest_table(const fs::path& directory) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  return largest;
}

void fill(KvBackend& backend) {
  KvBatch batch;
  std::mt19937 random(1);  // bytes that do not compress, so that the table is large
  for (int i = 0; i < 200; ++i) {
    std::string value(4000, '\0');
    for (char& c : value) c = static_cast<char>(random());
    batch.put(Family::primary, key_of(i), value);
  }
  must(backend.write(batch, Durability::fsync));
}

}  // namespace

TEST_CASE("a new store's directory is marked, private and reopens") {
  RocksdbKind kind;
  CHECK(read_file(kind.path() / "CAVEAT") == "caveat store\nformat 1\n");
  struct stat info {};
  REQUIRE(::stat(kind.path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(::stat((kind.path() / "CAVEAT").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  fill(*kind.backend);
  kind.reopen();
  CHECK(walk(*kind.backend, Family::primary).size() == 200);
}

TEST_CASE("a store keeps none of RocksDB's settings, nor a warning that it does not") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "store";
  const auto named = [&](std::string_view begin) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().filename().string().starts_with(begin)) ++count;
    }
    return count;
  };
  auto backend = must(open_rocksdb_backend(path));
  fill(*backend);
  CHECK(named("OPTIONS") + named("LOG") == 0);
  const auto copy = must(checkpoint_of_live_store(path, scratch.path() / "copies"));
  CHECK(walk(*must(open_rocksdb_backend(copy)), Family::primary).size() == 200);
  must(backend->close());
  // One of before goes when the store is closed.
  write_file(path / "OPTIONS-000007", "[Version]");
  backend = must(open_rocksdb_backend(path));
  CHECK(walk(*backend, Family::primary).size() == 200);
  must(backend->close());
  CHECK(named("OPTIONS") + named("LOG") == 0);
}

TEST_CASE("create_if_missing and error_if_exists are heeded") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "a" / "b";
  RocksdbBackendOptions options;
  options.create_if_missing = false;
  CHECK(open_code(path, options) == ErrorCode::not_found);
  CHECK(open_code(scratch.path(), options) == ErrorCode::not_found);
  CHECK(fs::is_empty(scratch.path()));
  must(open_rocksdb_backend(path));  // parents are made
  must(open_rocksdb_backend(path, options));
  options.error_if_exists = true;
  CHECK(open_code(path, options) == ErrorCode::already_exists);
}

TEST_CASE("a foreign directory is refused and not touched") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "photos";
  fs::create_directory(path);
  write_file(path / "holiday.jpg", "not a store");
  const std::string before = fingerprint(path);
  CHECK(open_code(path) == ErrorCode::unsupported_format);
  CHECK(must_fail(checkpoint_of_live_store(path, scratch.path() / "copies")).code() ==
        ErrorCode::unsupported_format);
  CHECK(fingerprint(path) == before);
  CHECK(open_code(path / "holiday.jpg") == ErrorCode::unsupported_format);

  const fs::path plain = scratch.path() / "plain";
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open(options, plain.string(), &db).ok());
  REQUIRE(db->Put({}, "a", "b").ok());
  delete db;
  const std::string database = fingerprint(plain);
  CHECK(open_code(plain) == ErrorCode::unsupported_format);
  CHECK(fingerprint(plain) == database);
}

TEST_CASE("a newer or damaged marker is refused and nothing is touched") {
  RocksdbKind kind;
  fill(*kind.backend);
  must(kind.backend->close());
  const auto with_marker = [&](std::string_view text) {
    write_file(kind.path() / "CAVEAT", text);
    const std::string before = fingerprint(kind.path());
    const ErrorCode code = open_code(kind.path());
    CHECK(fingerprint(kind.path()) == before);
    return code;
  };
  CHECK(with_marker("caveat store\nformat 2\n") == ErrorCode::unsupported_format);
  CHECK(with_marker("caveat store\nformat 4294967295\n") == ErrorCode::unsupported_format);
  CHECK(with_marker("caveat store\nformat 0\n") == ErrorCode::corruption);
  CHECK(with_marker("caveat store\nformat 1") == ErrorCode::corruption);
  CHECK(with_marker("caveat store\nformat 1x\n") == ErrorCode::corruption);
  CHECK(with_marker("caveat store\nformat 99999999999999999999\n") == ErrorCode::corruption);
  CHECK(with_marker("caveat store\n") == ErrorCode::corruption);
  CHECK(with_marker("") == ErrorCode::unsupported_format);
  CHECK(with_marker(std::string(100000, '\0')) == ErrorCode::unsupported_format);
  write_file(kind.path() / "CAVEAT", "caveat store\nformat 1\n");
  CHECK(walk(*must(open_rocksdb_backend(kind.path())), Family::primary).size() == 200);
}

TEST_CASE("an interrupted creation is taken up again") {
  for (const bool marked : {false, true}) {
    const ScratchDirectory scratch;
    write_file(scratch.path() / "caveat.lock", "123\n");
    write_file(scratch.path() / "CAVEAT.new", "cave");
    if (marked) {
      write_file(scratch.path() / "CAVEAT", "caveat store\nformat 1\n");
      write_file(scratch.path() / "MANIFEST-000001", "");
    }
    const auto backend = must(open_rocksdb_backend(scratch.path()));
    put(*backend, Family::temporal, "k", "v");
    CHECK(read(*backend, Family::temporal, "k") == "v");
  }
}

TEST_CASE("missing and damaged files are reported, by name") {
  RocksdbKind kind;
  fill(*kind.backend);
  must(kind.backend->close());
  const fs::path saved = kind.scratch.path() / "saved";
  const auto open_without = [&](const fs::path& file, const std::function<void()>& harm) {
    fs::remove_all(saved);
    fs::copy(kind.path(), saved);
    harm();
    const auto result = open_rocksdb_backend(kind.path());
    std::string message = "opened";
    if (result && (*result)->read_only()) {
      message = (*result)->read_only()->message();
      CHECK(message.find(file.filename().string()) != std::string::npos);
    } else if (!result) {
      message = result.error().message();
      CHECK((result.error().code() == ErrorCode::corruption ||
             result.error().code() == ErrorCode::io_error));
      INFO(message);
      CHECK(message.find(file.filename().string()) != std::string::npos);
    }
    fs::remove_all(kind.path());
    fs::copy(saved, kind.path());
    return message;
  };
  const fs::path current = kind.path() / "CURRENT";
  const fs::path table = largest_table(kind.path());
  REQUIRE(!table.empty());
  const std::string manifest = read_file(current).substr(0, 15);
  CHECK(open_without(current, [&] { fs::remove(current); }) != "opened");
  CHECK(open_without(manifest, [&] { fs::remove(kind.path() / manifest); }) != "opened");
  CHECK(open_without(table, [&] { fs::remove(table); }) != "opened");
  CHECK(open_without(table, [&] { fs::resize_file(table, 100); }) != "opened");
  CHECK(open_without(current, [&] { write_file(current, "MANIFEST-9"); }) != "opened");

  // Bytes changed inside a table: read errors, with family and key.
  std::string bytes = read_file(table);
  for (std::size_t i = 100; i + 5000 < bytes.size(); i += 1000) bytes[i] ^= 1;
  write_file(table, bytes);
  const auto backend = must(open_rocksdb_backend(kind.path()));
  std::string value;
  const StorageError error = must_fail(backend->get(Family::primary, key_of(7), nullptr, value));
  CHECK(error.code() == ErrorCode::corruption);
  CHECK(error.message().find("primary 0x0000000000000007") == 0);
  const auto it = must(backend->iterate(Family::primary, nullptr, false));
  it->seek_to_first();
  CHECK_FALSE(it->valid());
  CHECK(must_fail(it->status()).code() == ErrorCode::corruption);
}

TEST_CASE("space of dropped delta generations comes back at close") {
  RocksdbKind kind;
  const std::string row(100, 'r');
  std::uint64_t written = 0;
  for (int generation = 0; generation < 5; ++generation) {
    KvBatch batch;
    for (int i = 0; i < 20000; ++i) {
      batch.put(Family::delta, key_of(generation) + key_of(i), row);
      if (batch.count() == 500) {
        must(kind.backend->write(batch, Durability::none));
        written += batch.bytes();
        batch.clear();
      }
    }
    put(*kind.backend, Family::primary, key_of(generation), std::string(4000, 'p'));
    erase_range(*kind.backend, Family::delta, key_of(generation), key_of(generation + 1));
  }
  REQUIRE(written > 10'000'000);
  must(kind.backend->flush());
  must(kind.backend->close());
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(kind.path())) bytes += entry.file_size();
  INFO(bytes << " bytes");
  CHECK(bytes < 10'000);
  kind.backend = kind.open();
  const KvProperties properties = must(kind.backend->properties());
  CHECK(properties.families[static_cast<std::size_t>(Family::delta)].disk_bytes == 0);
  CHECK(properties.total_disk_bytes < 100'000);
  CHECK(properties.total_disk_bytes > 2'000);
  CHECK(walk(*kind.backend, Family::delta).empty());
  CHECK(walk(*kind.backend, Family::primary).size() == 5);
}

TEST_CASE("a partition lies alone in its table block, and is read alone") {
  RocksdbKind kind;
  constexpr int kContainers = 40;
  std::mt19937 random(7);
  for (int i = 0; i < kContainers; ++i) {
    std::string value(3'500, '\0');
    for (char& c : value) c = static_cast<char>(random());
    put(*kind.backend, Family::primary, key_of(i), value);
  }
  must(kind.backend->flush());
  must(kind.backend->compact(Family::primary, {}));
  must(kind.backend->close());
  rocksdb::SstFileReader reader({});
  REQUIRE(reader.Open(largest_table(kind.path()).string()).ok());
  CHECK(reader.GetTableProperties()->num_entries == kContainers);
  CHECK(reader.GetTableProperties()->num_data_blocks == kContainers);
}

TEST_CASE("opening and closing leaves no files behind") {
  RocksdbKind kind;
  fill(*kind.backend);
  kind.reopen();
  must(kind.backend->close());
  const auto files = [&] {
    const fs::directory_iterator all(kind.path());
    return std::distance(fs::begin(all), fs::end(all));
  };
  const auto before = files();
  for (int i = 0; i < 5; ++i) {
    kind.backend = kind.open();
    CHECK(walk(*kind.backend, Family::primary).size() == 200);
    must(kind.backend->close());
  }
  CHECK(files() == before);
}

TEST_CASE("close refuses while an iterator lives, and loses nothing") {
  RocksdbKind kind;
  fill(*kind.backend);
  {
    const auto snapshot = must(kind.backend->snapshot());
    const auto it = must(kind.backend->iterate(Family::primary, snapshot.get(), true));
    CHECK(must_fail(kind.backend->close()).code() == ErrorCode::busy);
    CHECK(walk(*it).size() == 200);
    put(*kind.backend, Family::primary, "more", "v");
  }
  kind.reopen();
  CHECK(walk(*kind.backend, Family::primary).size() == 201);
}

TEST_CASE("memory stays within what the options say") {
  RocksdbKind kind;
  must(kind.backend->close());
  kind.options.block_cache_bytes = 4 << 20;
  kind.options.write_buffer_bytes = 4 << 20;
  kind.backend = kind.open();
  KvBatch batch;
  for (int i = 0; i < 10000; ++i) {
    batch.clear();
    batch.put(kFamilies[static_cast<std::size_t>(i) % kFamilyCount], key_of(i),
              std::string(4000, 'x'));
    must(kind.backend->write(batch, Durability::none));
  }
  for (const Family family : kFamilies) walk(*kind.backend, family);
  const KvProperties properties = must(kind.backend->properties());
  std::uint64_t memtables = 0;
  for (const auto& family : properties.families) memtables += family.memtable_bytes;
  CHECK(memtables < 9 << 20);  // twice the bound while flushes run behind
  CHECK(properties.cache_bytes <= 9 << 20);
  CHECK(properties.table_reader_bytes < 1 << 20);
}

#endif  // CAVEAT_TEST_TSAN
