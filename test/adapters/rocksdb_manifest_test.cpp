// A MANIFEST whose end is missing is the store as it was once: RocksDB would open that, and delete
// the tables that it does not name.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "adapters/rocksdb/crc32c.h"
#include "adapters/rocksdb/live_checkpoint.h"
#include "adapters/rocksdb/manifest_edits.h"
#include "adapters/rocksdb/manifest_note.h"
#include "adapters/rocksdb/store_directory.h"
#include "test/adapters/harness.h"
#include "test/support/store_files.h"

#ifndef CAVEAT_TEST_TSAN

using namespace caveat;
using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRows = 60;

// Rows of a session in tables of every family.
void write_rows(KvBackend& backend, std::uint64_t first) {
  for (const Family family : kFamilies) {
    for (std::uint64_t i = first; i < first + kRows; ++i) put(backend, family, key_of(i), "row");
    must(backend.compact(family, nullptr));
  }
}

// Of two sessions. A store that was not closed is a copy of one that stands still.
struct Made {
  RocksdbKind kind;
  fs::path sound = kind.scratch.path() / "sound";
  std::string manifest;

  explicit Made(bool closed) {
    write_rows(*kind.backend, 0);
    kind.reopen();
    write_rows(*kind.backend, kRows);
    if (closed) must(kind.backend->close());
    fs::copy(kind.path(), sound);
    manifest = must(detail::current_manifest(sound));
    REQUIRE_FALSE(manifest.empty());
  }
  [[nodiscard]] fs::path fresh() const {
    const fs::path path = kind.scratch.path() / "cut";
    fs::remove_all(path);
    fs::copy(sound, path);
    return path;
  }
};

std::set<fs::path> tables_in(const fs::path& directory) {
  std::set<fs::path> tables;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == ".sst") tables.insert(entry.path());
  return tables;
}

// Keys of the family below `end`, which were all written.
std::uint64_t rows_of(KvBackend& backend, Family family) {
  std::uint64_t rows = 0;
  for (std::uint64_t i = 0; i < 2 * kRows; ++i) {
    std::string value;
    if (backend.get(family, key_of(i), nullptr, value).value_or(false)) ++rows;
  }
  return rows;
}

// As an older caveat leaves the store.
void forget_note(const fs::path& directory) {
  std::string text = bytes_of(directory / "caveat.lock");
  const auto line = text.find("manifest ");
  REQUIRE(line != std::string::npos);
  text.resize(line);
  std::ofstream(directory / "caveat.lock", std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a MANIFEST whose end is missing is refused by name at every length, on rocksdb",
          "[regression]") {
  for (const bool closed : {true, false}) {
    const Made made(closed);
    const auto size = fs::file_size(made.sound / made.manifest);
    for (std::uint64_t length = 0; length < size; length += 7) {
      const auto path = made.fresh();
      fs::resize_file(path / made.manifest, length);
      const auto before = tables_in(path);
      INFO("closed: " << closed << ", cut at " << length << " of " << size);
      const std::string name = (path / made.manifest).string();
      const auto opened = must_fail(open_rocksdb_backend(path));
      CHECK(opened.code() == ErrorCode::corruption);
      CHECK(opened.message().find(name) == 0);
      const auto copied =
          must_fail(checkpoint_of_live_store(path, made.kind.scratch.path() / "copies"));
      CHECK(copied.code() == ErrorCode::corruption);
      CHECK(copied.message().find(name) == 0);
      CHECK(tables_in(path) == before);
    }
    auto whole = must(open_rocksdb_backend(made.fresh()));
    for (const Family family : kFamilies) CHECK(rows_of(*whole, family) == 2 * kRows);
    must(whole->close());
  }
}

// Its end in zeros was taken for one that was being written.
TEST_CASE("a MANIFEST that ends in zeros where it was synced is refused, on rocksdb",
          "[regression]") {
  const Made made(false);
  const std::string sound = bytes_of(made.sound / made.manifest);
  std::string lock = bytes_of(made.sound / "caveat.lock");
  lock[lock.find("\nboot ") + 6] ^= 1;
  for (const bool power_lost : {false, true}) {
    for (std::size_t back = 20; back < sound.size(); back += 60) {
      const auto path = made.fresh();
      std::string bytes = sound;
      std::fill(bytes.end() - static_cast<std::ptrdiff_t>(back), bytes.end(), '\0');
      std::ofstream(path / made.manifest, std::ios::binary) << bytes;
      if (power_lost) std::ofstream(path / "caveat.lock", std::ios::binary) << lock;
      INFO("power lost: " << power_lost << ", zeros from " << sound.size() - back);
      CHECK(must_fail(open_rocksdb_backend(path)).code() == ErrorCode::corruption);
      CHECK(bytes_of(path / made.manifest) == bytes);
    }
  }
}

TEST_CASE("an older caveat's store opens, and a cut MANIFEST of it loses no row unseen",
          "[regression]") {
  for (const bool closed : {true, false}) {
    const Made made(closed);
    const auto size = fs::file_size(made.sound / made.manifest);
    int refused = 0;
    for (std::uint64_t length = 0; length <= size; length += length + 7 < size ? 7 : 1) {
      const auto path = made.fresh();
      forget_note(path);
      fs::resize_file(path / made.manifest, length);
      INFO("closed: " << closed << ", cut at " << length << " of " << size);
      auto opened = open_rocksdb_backend(path);
      CHECK((opened || length < size));
      if (!opened) {
        ++refused;
        continue;
      }
      if ((**opened).read_only()) continue;
      for (const Family family : {Family::meta, Family::delta, Family::primary})
        CHECK(rows_of(**opened, family) == 2 * kRows);
      must((**opened).close());
    }
    CHECK(refused > 0);
  }
}

// An inspection took it for a wrong command line; the next opening goes on with it.
TEST_CASE("a store whose creation was cut short has no data yet, on rocksdb", "[regression]") {
  RocksdbKind kind;
  must(kind.backend->close());
  kind.backend.reset();
  const auto name = must(detail::current_manifest(kind.path()));
  const std::string sound = bytes_of(kind.path() / name);
  forget_note(kind.path());
  for (const auto& entry : fs::directory_iterator(kind.path())) {
    if (entry.path().extension() == ".log" || entry.path().extension() == ".sst")
      fs::remove(entry.path());
  }
  const auto end = sound.find("delta");
  REQUIRE(end != std::string::npos);
  fs::resize_file(kind.path() / name, end - 20);
  const auto none =
      must_fail(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
  INFO(none.message());
  CHECK(none.code() == ErrorCode::not_found);
  kind.backend = kind.open();
  put(*kind.backend, Family::delta, key_of(1), "row");
}

TEST_CASE("what unfinished work left behind keeps no store shut, on rocksdb", "[regression]") {
  for (const bool noted : {true, false}) {
    const Made made(false);
    const auto path = made.fresh();
    if (!noted) forget_note(path);
    for (const int number : {3, 900}) {
      fs::copy(*tables_in(path).begin(), path / fmt::format("{:06}.sst", number));
    }
    auto opened = must(open_rocksdb_backend(path));
    for (const Family family : kFamilies) CHECK(rows_of(*opened, family) == 2 * kRows);
    must(opened->close());
  }
}

// What is on the device then: the new MANIFEST and a table that a compaction has written and not
// yet entered, and a lock file of the close before.
TEST_CASE("loss of power while a closed store is being opened keeps it from no opening, on rocksdb",
          "[regression]") {
  const Made made(true);
  const auto path = made.fresh();
  const std::string lock = bytes_of(path / "caveat.lock");
  {
    auto opened = must(open_rocksdb_backend(path));
    must(opened->close());
  }
  std::ofstream(path / "caveat.lock", std::ios::binary) << lock;
  REQUIRE(must(detail::current_manifest(path)) != made.manifest);
  fs::copy(*tables_in(path).begin(), path / "000900.sst");
  {
    auto opened = must(open_rocksdb_backend(path));
    for (const Family family : kFamilies) CHECK(rows_of(*opened, family) == 2 * kRows);
    // And that note says nothing of the MANIFEST that follows, whatever number it has.
    CHECK(detail::manifest_note_of(path).number ==
          detail::manifest_number(must(detail::current_manifest(path))));
    must(opened->close());
  }
  CHECK(must(open_rocksdb_backend(path))->close());
}

// Whoever had left the file out of a copy was told that it was damaged, and to restore a backup.
TEST_CASE("a copy without its lock file is told to be copied whole, on rocksdb", "[regression]") {
  const Made made(true);
  const auto path = made.fresh();
  fs::remove(path / "caveat.lock");
  fs::copy(*tables_in(path).begin(), path / "000900.sst");  // of a compaction that had begun
  const auto refused = must_fail(open_rocksdb_backend(path));
  INFO(refused.message());
  CHECK(refused.code() == ErrorCode::corruption);
  CHECK(refused.message().find("caveat.lock does not say how much") != std::string::npos);
  CHECK(refused.message().find("copy all of the directory, that file too") != std::string::npos);
  // So is it copied whole.
  fs::copy(made.sound / "caveat.lock", path / "caveat.lock", fs::copy_options::overwrite_existing);
  must(must(open_rocksdb_backend(path))->close());
}

TEST_CASE("a note of a MANIFEST with any bit wrong is none") {
  const detail::ManifestNote note{17, 123'456, 0x9c1d03e7};
  std::string line(detail::kManifestNoteMax, '\0');
  line.resize(static_cast<std::size_t>(detail::write_note(note, line.data()) - line.data()));
  const auto read = detail::parse_note("123\nlogs 15 20\n" + line + "rest");
  CHECK(read.number == 17);
  CHECK(read.bytes == 123'456);
  CHECK(read.checksum == 0x9c1d03e7);
  for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
    std::string wrong = "123\n" + line;
    wrong[4 + bit / 8] = static_cast<char>(wrong[4 + bit / 8] ^ (1 << bit % 8));
    const auto found = detail::parse_note(wrong);
    INFO("bit " << bit);
    CHECK((found.number == 0 || found.checksum == note.checksum));
  }
  for (std::size_t size = 0; size < line.size(); ++size)
    CHECK(detail::parse_note(line.substr(0, size)).number == 0);
}

TEST_CASE("of a file's name only a whole number behind MANIFEST- is one") {
  CHECK(detail::manifest_number("MANIFEST-000017") == 17);
  for (const char* name : {"", "MANIFEST-", "MANIFEST-x", "MANIFEST-17x", "MANIFES-17",
                           "000017.log", "MANIFEST-99999999999999999999"})
    CHECK(detail::manifest_number(name) == 0);
  char nothing = '#';
  CHECK(detail::write_note({0, 5, 6}, &nothing) == &nothing);
  CHECK(nothing == '#');
}

TEST_CASE("a MANIFEST agrees with a note of it whose bytes it begins with") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "MANIFEST-000017";
  // More than is read at once.
  std::string bytes(200'000, ' ');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2'654'435'761U >> 24);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto agrees = [&](std::uint64_t number, std::size_t count, std::uint32_t change) {
    const auto part = std::string_view(bytes).substr(0, count);
    return must(detail::agrees(path, {number, count, detail::crc32c(0, part) ^ change}));
  };
  for (const std::size_t count : {1UL, 65'536UL, 65'537UL, 199'999UL, 200'000UL}) {
    CHECK(agrees(17, count, 0));
    CHECK_FALSE(agrees(17, count, 1));
    CHECK(agrees(18, count, 1));  // of another MANIFEST
    CHECK(agrees(0, count, 1));   // of none
  }
  // Shorter than it was.
  CHECK_FALSE(must(detail::agrees(path, {17, 200'001, detail::crc32c(0, bytes)})));
  CHECK(must_fail(detail::agrees(scratch.path() / "MANIFEST-000018", {18, 1, 0})).code() ==
        ErrorCode::not_found);
  fs::create_directory(scratch.path() / "MANIFEST-000019");  // cannot be read
  CHECK(must_fail(detail::agrees(scratch.path() / "MANIFEST-000019", {19, 1, 0})).code() ==
        ErrorCode::io_error);
}

#endif
