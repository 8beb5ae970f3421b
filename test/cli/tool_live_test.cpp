// A store in use, a tool that is killed, a disk that is damaged.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>

#include "test/cli/tool.h"

using namespace caveat::test;

namespace {

// More than one batch, so that some of it is written before the input ends.
constexpr std::size_t kRecords = 150'000;

// Name, size and time of every file: what "unchanged" means here.
std::map<std::string, std::string> files_of(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files[entry.path().string()] = read_file(entry.path());
  }
  return files;
}

void wait_for_records(const std::string& store, unsigned long at_least) {
  for (int i = 0; i < 200; ++i) {
    const auto ran = run_tool({"count", store});
    if (ran.exit == 0 && std::stoul(ran.out) >= at_least) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  FAIL("the import wrote nothing");
}

std::size_t entries(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

TEST_CASE("a store is inspected while another process writes to it") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  RunningTool writer({"import", store, "-"});
  writer.feed(sample_records(kRecords));
  wait_for_records(store, 60'000);
  // The writer waits for more input now, and has the store open.
  for (const auto* command : {"dump", "query", "count", "stats", "blocks", "verify"}) {
    const auto ran = run_tool({command, store});
    INFO(command << ": " << ran.err);
    CHECK(ran.exit == 0);
  }
  CHECK(run_tool({"get", store, "1", "group0/item1"}).exit == 0);
  const auto locked = run_tool({"optimize", store});
  CHECK(locked.exit == 4);
  const auto done = writer.finish();
  CHECK(done.exit == 0);
  CHECK(run_tool({"count", store}).out == std::to_string(kRecords) + "\n");
  CHECK(entries(directory.root()) == 1);  // no copy was left behind
}

// A copy was taken for abandoned only after ten minutes, and one in TMPDIR never.
TEST_CASE("what a killed inspection left goes with the next one", "[regression]") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(500)).exit == 0);
  const auto pipe = directory.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto copies = [&] { return entries(directory.root()) - 2; };
  {
    RunningTool dump({"dump", store, "-o", pipe});  // has its copy, and waits for a reader
    for (int i = 0; i < 200 && copies() == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    REQUIRE(copies() == 1);
    CHECK(run_tool({"count", store}).out == "500\n");
    CHECK(copies() == 1);  // in use
    dump.signal(SIGKILL);
    CHECK(dump.wait().exit == 128 + SIGKILL);
  }
  CHECK(copies() == 1);
  CHECK(run_tool({"count", store}).out == "500\n");
  CHECK(copies() == 0);
}

TEST_CASE("copies in the directory for temporary files are swept, but for those in use",
          "[regression]") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(5)).exit == 0);
  const auto temporary = directory.root() / "temporary";
  const auto make = [&](const char* name, bool with_lock_file) {
    const auto copy = temporary / (std::string(".caveat-inspect-") + name);
    std::filesystem::create_directories(copy / "store");
    write_file(copy / "store" / "CURRENT", "x");
    if (with_lock_file) write_file(copy / "in-use", "");
    return copy;
  };
  const auto left = make("left", true);
  const auto used = make("used", true);
  const auto begun = make("begun", false);
  const auto cut_short = make("short", false);
  std::filesystem::last_write_time(
      cut_short, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const int lock = ::open((used / "in-use").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "/tmp";
  ::setenv("TMPDIR", temporary.c_str(), 1);
  const auto ran = run_tool({"count", store});
  ::setenv("TMPDIR", kept.c_str(), 1);
  ::close(lock);
  CHECK(ran.out == "5\n");
  CHECK_FALSE(std::filesystem::exists(left));
  CHECK_FALSE(std::filesystem::exists(cut_short));
  CHECK(std::filesystem::exists(used / "store" / "CURRENT"));
  CHECK(std::filesystem::exists(begun));
}

TEST_CASE("inspecting changes nothing") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(2000)).exit == 0);
  const auto before = files_of(store);
  for (const auto* command : {"dump", "query", "count", "stats", "blocks", "verify"}) {
    CHECK(run_tool({command, store}).exit == 0);
  }
  CHECK(files_of(store) == before);
}

TEST_CASE("an import that was killed is simply run again") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  const auto records = sample_records(kRecords);
  {
    RunningTool writer({"import", store, "-"});
    writer.feed(records.substr(0, records.size() * 9 / 10));
    wait_for_records(store, 60'000);
    writer.signal(SIGKILL);
    CHECK(writer.wait().exit == 128 + SIGKILL);
  }
  const auto some = std::stoul(run_tool({"count", store}).out);
  CHECK(some > 0);
  CHECK(some < kRecords);
  CHECK(run_tool({"verify", store}).exit == 0);
  REQUIRE(run_tool({"import", store, "-"}, records).exit == 0);
  CHECK(sorted_lines(run_tool({"dump", store}).out) == sorted_lines(records));
}

TEST_CASE("Ctrl-C ends an import after what it has read, with a summary") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  RunningTool writer({"import", store, "-", "--json"});
  writer.feed(sample_records(1000));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  writer.signal(SIGINT);
  const auto ran = writer.wait();
  INFO(ran.err);
  CHECK(ran.exit == 130);
  CHECK(ran.out.find("\"complete\":false") != std::string::npos);
  CHECK(ran.err ==
        "caveat: interrupted: the first 1,000 records are stored; run it again for the rest\n");
  CHECK(run_tool({"count", store}).out == "1000\n");
}

TEST_CASE("compressed input is read like plain input") {
  const TestDirectory directory;
  const auto records = sample_records(1000);
  std::string compressed(ZSTD_compressBound(records.size()), '\0');
  compressed.resize(
      ZSTD_compress(compressed.data(), compressed.size(), records.data(), records.size(), 3));
  const auto file = directory.path("records.ndjson.zst");
  write_file(file, compressed);
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, file}).exit == 0);
  CHECK(sorted_lines(run_tool({"dump", store}).out) == sorted_lines(records));

  write_file(file, compressed.substr(0, compressed.size() / 2));
  const auto cut = run_tool({"import", directory.path("other"), file});
  CHECK(cut.exit == 1);
  CHECK(cut.err.find("ends in the middle") != std::string::npos);
}

TEST_CASE("a foreign directory is refused and stays as it is") {
  const TestDirectory directory;
  const auto foreign = directory.path("foreign");
  std::filesystem::create_directory(foreign);
  write_file(foreign + "/letter.txt", "hello");
  for (const auto* command : {"dump", "optimize"}) {
    const auto ran = run_tool({command, foreign});
    INFO(ran.err);
    CHECK((ran.exit == 1 || ran.exit == 3));
    CHECK(ran.err.rfind("caveat: ", 0) == 0);
  }
  CHECK(run_tool({"import", foreign, "-"}, sample_records(1)).exit == 1);
  CHECK(entries(foreign) == 1);
}

TEST_CASE("verify finds a planted fault") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(20'000)).exit == 0);
  REQUIRE(run_tool({"compact", store}).exit == 0);
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) {
      largest = entry.path();
    }
  }
  REQUIRE_FALSE(largest.empty());
  auto bytes = read_file(largest);
  bytes[bytes.size() / 3] ^= 0x20;
  write_file(largest, bytes);
  const auto ran = run_tool({"verify", store});
  INFO(ran.out << ran.err);
  CHECK(ran.exit == 1);
}

TEST_CASE("a dump of a damaged store is right or refused, never wrong") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(3000)).exit == 0);
  REQUIRE(run_tool({"compact", store}).exit == 0);
  const auto right = run_tool({"dump", store}).out;
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    if (entry.path().extension() != ".sst") continue;
    const auto bytes = read_file(entry.path());
    for (const std::size_t part : {0, 1, 2}) {
      const auto at = bytes.size() * part / 3 + 7;
      INFO(entry.path() << " byte " << at);
      auto damaged = bytes;
      damaged[at] ^= 0x01;
      write_file(entry.path(), damaged);
      const auto ran = run_tool({"dump", store});
      if (ran.exit == 0) {
        CHECK(ran.out == right);
      } else {
        CHECK(ran.exit == 1);
        CHECK(ran.err.rfind("caveat: ", 0) == 0);
        ++refused;
      }
    }
    write_file(entry.path(), bytes);
  }
  CHECK(refused > 0);
  CHECK(run_tool({"dump", store}).out == right);
}
