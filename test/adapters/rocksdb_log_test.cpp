// Logs that a crash left, and logs that are damaged or gone: the former open with all that was
// acknowledged, the latter are refused by name, and never turned into fewer rows.
#include <algorithm>
#include <fstream>
#include <random>

#include "adapters/rocksdb/crc32c.h"
#include "adapters/rocksdb/log_check.h"
#include "adapters/rocksdb/store_directory.h"
#include "test/adapters/harness.h"
#include "test/support/child_process.h"

#ifndef CAVEAT_TEST_TSAN

using namespace caveat;
using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRows = 400;

std::string row(std::uint64_t i) {
  std::mt19937_64 random(i);
  std::string value;
  // A few larger than a block of the log.
  const std::size_t size = i % 97 == 96 ? 50'000 : 40 + i % 300;
  while (value.size() < size) value += key_of(random());
  return value;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::vector<fs::path> logs_of(const fs::path& store) {
  std::vector<fs::path> logs;
  for (const auto& entry : fs::directory_iterator(store)) {
    if (entry.path().extension() == ".log") logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

// Two or more logs with rows that no table file has: families are flushed one by one.
std::unique_ptr<KvBackend> open_small(const fs::path& path) {
  RocksdbBackendOptions options;
  options.write_buffer_bytes = 1 << 20;
  return must(open_rocksdb_backend(path, options));
}

// Of a store that was killed: its directory as it was then, to be harmed in many ways.
class Killed {
 public:
  explicit Killed(const std::string& child) {
    ChildProcess process(child, origin());
    REQUIRE(process.wait_for("ready"));
    process.kill();
    reset();
  }
  void reset() {
    fs::remove_all(path());
    fs::copy(origin(), path());
  }
  [[nodiscard]] fs::path origin() const { return scratch_.path() / "origin"; }
  [[nodiscard]] fs::path path() const { return scratch_.path() / "store"; }
  [[nodiscard]] std::vector<fs::path> logs() const { return logs_of(path()); }

  // Rows that are there from the first on; all rows there must be right, and none behind a gap.
  [[nodiscard]] std::uint64_t rows() const {
    auto backend = open_small(path());
    const Pairs pairs = walk(*backend, Family::delta);
    for (std::uint64_t i = 0; i < pairs.size(); ++i) {
      if (pairs[i].first != key_of(i) || pairs[i].second != row(i)) FAIL("row " << i);
    }
    must(backend->close());
    return pairs.size();
  }
  [[nodiscard]] StorageError refused() const {
    const auto before = logs();
    const auto error = must_fail(open_rocksdb_backend(path()));
    CHECK(logs() == before);
    return error;
  }

 private:
  ScratchDirectory scratch_;
};

}  // namespace

TEST_CASE("child: rows in one log", "[.child]") {
  const auto backend = must(open_rocksdb_backend(child_directory()));
  for (std::uint64_t i = 0; i < kRows; ++i) put(*backend, Family::delta, key_of(i), row(i));
  say("ready");
  ::pause();
}

TEST_CASE("child: rows in several logs", "[.child]") {
  const auto backend = open_small(child_directory());
  for (std::uint64_t i = 0; i < kRows; ++i) {
    put(*backend, Family::delta, key_of(i), row(i));
    // Its memtable fills, so a new log begins; delta's is kept in memory, and the old log with it.
    if (i % 150 == 149) {
      for (int k = 0; k < 5; ++k) {
        put(*backend, Family::source, key_of(k), std::string(100'000, 's'));
      }
    }
  }
  say("ready");
  ::pause();
}

TEST_CASE("the checksum is CRC-32C") {
  CHECK(detail::crc32c(0, "123456789") == 0xE3069283);
  CHECK(detail::crc32c(detail::crc32c(0, "1234"), "56789") == 0xE3069283);
  CHECK(detail::crc32c(0, std::string(32, '\0')) == 0x8A9136AA);
}

TEST_CASE("a log that a crash cut short anywhere opens with the rows before") {
  Killed killed("child: rows in one log");
  CHECK(killed.rows() == kRows);
  killed.reset();
  REQUIRE(killed.logs().size() == 1);
  const fs::path log = killed.logs()[0];
  const std::string bytes = read_file(log);
  std::mt19937 random(5);
  std::uint64_t longest = 0;
  for (int i = 0; i < 60; ++i) {
    const std::size_t size =
        i < 20 ? bytes.size() - 1 - static_cast<std::size_t>(i) * 3 : random() % bytes.size();
    INFO("cut at " << size << " of " << bytes.size());
    for (const std::size_t zeros : {std::size_t{0}, std::size_t{700}, std::size_t{40'000}}) {
      killed.reset();
      write_file(log, bytes.substr(0, size) + std::string(zeros, '\0'));
      const std::uint64_t rows = killed.rows();
      CHECK(rows < kRows + 1);
      if (zeros == 0) longest = std::max(longest, rows);
    }
  }
  CHECK(longest >= kRows - 1);
}

TEST_CASE("a changed byte in a log is refused, and names it and where") {
  Killed killed("child: rows in one log");
  const fs::path log = killed.logs()[0];
  const std::string bytes = read_file(log);
  std::mt19937 random(7);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < 30; ++i) places.push_back(i);                      // first record
  for (std::size_t i = 0; i < 340; ++i) places.push_back(bytes.size() - 1 - i);  // last ones
  for (std::size_t i = 0; i < 150; ++i) places.push_back(random() % bytes.size());
  for (const std::size_t place : places) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ (1 << (random() % 8)));
    write_file(log, damaged);
    INFO("byte " << place << " of " << bytes.size());
    const auto checked = detail::check_logs(killed.path(), "shown", {});
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code() == ErrorCode::corruption);
    CHECK(checked.error().message().find("shown/" + log.filename().string()) == 0);
  }
  const std::string message = killed.refused().message();
  INFO(message);
  CHECK(message.find(log.string() + " is damaged at byte ") == 0);
  // What it says to do brings the store back, with the rows before.
  killed.reset();
  std::string damaged = bytes;
  damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 1);
  write_file(log, damaged);
  const std::string advice = killed.refused().message();
  const std::size_t command = advice.find("truncate -s ");
  REQUIRE(command != std::string::npos);
  fs::resize_file(log, std::stoull(advice.substr(command + 12)));
  const std::uint64_t rows = killed.rows();
  CHECK(rows > kRows / 4);
  CHECK(rows < kRows);
}

TEST_CASE("zeros in the middle of a log are refused, at its end they are not") {
  Killed killed("child: rows in one log");
  const fs::path log = killed.logs()[0];
  const std::string bytes = read_file(log);
  for (std::size_t place = 0; place + 512 < bytes.size() - 70'000; place += 7919) {
    std::string damaged = bytes;
    damaged.replace(place, 512, 512, '\0');
    write_file(log, damaged);
    INFO("byte " << place);
    CHECK_FALSE(detail::check_logs(killed.path(), "shown", {}).has_value());
  }
  // As if the last blocks had not reached the device.
  std::string cut = bytes;
  const std::size_t sector = (bytes.size() - 5000) / 512 * 512;
  cut.replace(sector, bytes.size() - sector, bytes.size() - sector, '\0');
  write_file(log, cut);
  CHECK(killed.rows() > kRows / 2);
}

// Sectors that were not synced when the power went: any of them may be missing.
TEST_CASE("after a loss of power a log ends where sectors are missing", "[regression]") {
  Killed killed("child: rows in one log");
  const std::string name = killed.logs()[0].filename().string();
  const std::string bytes = read_file(killed.path() / name);
  const std::string lock = read_file(killed.path() / "caveat.lock");
  REQUIRE(lock.find("\nboot ") != std::string::npos);
  std::string other_boot = lock;
  other_boot[lock.find("\nboot ") + 6] ^= 1;
  for (std::size_t place = 0; place + 512 < bytes.size() - 70'000; place += 512 * 37) {
    INFO("sector at " << place << " of " << bytes.size());
    std::string damaged = bytes;
    damaged.replace(place, 512, 512, '\0');
    killed.reset();
    write_file(killed.path() / name, damaged);
    CHECK(killed.refused().code() == ErrorCode::corruption);  // the system did not go down
    write_file(killed.path() / "caveat.lock", other_boot);
    CHECK(killed.rows() < kRows);
    // A bit that changed is no sector that is missing.
    damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    killed.reset();
    write_file(killed.path() / name, damaged);
    write_file(killed.path() / "caveat.lock", other_boot);
    CHECK(killed.refused().code() == ErrorCode::corruption);
  }
}

// Takes a part of each log but the newest; how often the store still opened.
int opened_without_parts(Killed& killed) {
  const auto logs = killed.logs();
  REQUIRE(logs.size() >= 3);
  std::string lock = read_file(killed.path() / "caveat.lock");
  lock[lock.find("\nboot ") + 6] ^= 1;
  int opened = 0;
  for (std::size_t i = 0; i + 1 < logs.size(); ++i) {
    for (const bool all : {false, true}) {
      INFO("log " << i + 1 << " of " << logs.size() << (all ? ", all of it" : ", the second half"));
      killed.reset();
      write_file(killed.path() / "caveat.lock", lock);
      const std::string bytes = read_file(logs[i]);
      write_file(logs[i], all ? "" : bytes.substr(0, bytes.size() / 2));
      // What tables have, was synced: if that is missing, it is damage, and nothing is changed.
      const auto checked =
          detail::check_logs(killed.path(), "shown", detail::open_logs_of(killed.path()));
      if (!checked) {
        CHECK(killed.refused().code() == ErrorCode::corruption);
        continue;
      }
      ++opened;
      CHECK(killed.rows() < kRows);  // rows() fails if there is a gap
    }
  }
  return opened;
}

// How far tables are by the time that the child is killed is luck: none may be behind any log.
TEST_CASE("after a loss of power logs behind a missing part are not replayed", "[regression]") {
  int opened = 0;
  for (int attempt = 0; attempt < 20 && opened == 0; ++attempt) {
    Killed killed("child: rows in several logs");
    opened = opened_without_parts(killed);
  }
  CHECK(opened > 0);
}

// The last edit was being written when the power went: its first sector is missing, and a later one
// is there.
TEST_CASE("after a loss of power a MANIFEST ends where sectors are missing", "[regression]") {
  Killed killed("child: rows in one log");
  const std::string name = detail::current_manifest(killed.path()).value();
  const std::string manifest = read_file(killed.path() / name);
  std::string lock = read_file(killed.path() / "caveat.lock");
  lock[lock.find("\nboot ") + 6] ^= 1;
  // A first edit is sound wherever it stands.
  const std::size_t first = 7 + static_cast<unsigned char>(manifest[4]);
  const std::size_t missing = 512 + (512 - manifest.size() % 512) % 512;
  const std::string torn = manifest + std::string(missing, '\0') + manifest.substr(0, first);
  write_file(killed.path() / name, torn);
  const StorageError error = killed.refused();  // the system did not go down
  CHECK(error.code() == ErrorCode::corruption);
  CHECK(error.message().find(name + " is damaged at byte " + std::to_string(manifest.size())) !=
        std::string::npos);
  CHECK(read_file(killed.path() / name) == torn);
  write_file(killed.path() / "caveat.lock", lock);
  CHECK(killed.rows() == kRows);
  // A bit that changed is no sector that is missing.
  killed.reset();
  std::string damaged = torn;
  damaged[8] = static_cast<char>(damaged[8] ^ 1);
  write_file(killed.path() / name, damaged);
  write_file(killed.path() / "caveat.lock", lock);
  CHECK(killed.refused().code() == ErrorCode::corruption);
}

TEST_CASE("a log that is gone is missed") {
  Killed killed("child: rows in one log");
  const fs::path log = killed.logs()[0];
  fs::remove(log);
  const StorageError error = killed.refused();
  INFO(error.message());
  CHECK(error.code() == ErrorCode::corruption);
  CHECK(error.message().find(log.string() + " is missing") == 0);
  write_file(log, "");  // as the message says
  CHECK(killed.rows() == 0);
  // Closed since: nothing to be missed.
  for (const fs::path& left : killed.logs()) fs::remove(left);
  CHECK(killed.rows() == 0);
}

TEST_CASE("of several logs none may be damaged, cut or gone") {
  Killed killed("child: rows in several logs");
  REQUIRE(killed.logs().size() >= 3);
  CHECK(killed.rows() == kRows);
  killed.reset();
  const auto logs = killed.logs();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    INFO("log " << i + 1 << " of " << logs.size());
    const std::string bytes = read_file(logs[i]);
    if (bytes.empty()) continue;
    const bool last = i + 1 == logs.size();

    killed.reset();
    fs::remove(logs[i]);
    CHECK(killed.refused().code() == ErrorCode::corruption);

    killed.reset();
    std::string damaged = bytes;
    damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 4);
    write_file(logs[i], damaged);
    CHECK(killed.refused().message().find(logs[i].string() + " is damaged at byte ") == 0);

    killed.reset();
    fs::resize_file(logs[i], bytes.size() / 2);
    if (last) {
      CHECK(killed.rows() < kRows);
    } else {
      const StorageError error = killed.refused();
      INFO(error.message());
      CHECK(error.code() == ErrorCode::corruption);
      CHECK(error.message().find(logs[i + 1].string()) == 0);
    }
  }
}

TEST_CASE("a killed store opens again and again, its logs used up or not") {
  const ScratchDirectory scratch;
  const fs::path path = scratch.path() / "store";
  for (int round = 0; round < 4; ++round) {
    ChildProcess child("child: rows in several logs", path);
    REQUIRE(child.wait_for("ready"));
    child.kill();
    if (round % 2 == 1) {
      const auto backend = open_small(path);
      CHECK(walk(*backend, Family::delta).size() == kRows);
      must(backend->close());
    }
  }
}

#endif  // CAVEAT_TEST_TSAN
