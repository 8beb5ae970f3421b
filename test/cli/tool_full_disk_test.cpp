// The tool on a disk without room: a real one, where this process may mount it.
#include <sys/mount.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <string>

#include "test/cli/tool.h"

using namespace caveat::test;

TEST_CASE("a store on a full disk can still be looked at") {
  const TestDirectory directory;
  const auto disk = directory.path("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=12m") != 0) {
    WARN("skipped: this process may not mount a tmpfs");
    return;
  }
  const auto store = disk + "/store";
  std::string records;
  for (int i = 0; i < 5000; ++i) {
    records += R"({"node":)" + std::to_string(i) +
               R"(,"property":"p","inherited":null,"actual":1,"reason":"r","source":"Detected",)" +
               R"("created_at":"2020-01-01T00:00:00Z","confidence":0.5})" + "\n";
  }
  const auto imported = run_tool({"import", store, "-"}, records);
  INFO(imported.err);
  CHECK(imported.exit == 0);
  {
    std::ofstream ballast(disk + "/ballast");
    while (ballast << std::string(4096, 'b') << std::flush) {
    }
  }
  for (const auto* command : {"dump", "count", "stats", "verify"}) {
    const auto ran = run_tool({command, store});
    INFO(command << ": " << ran.err);
    CHECK(ran.exit == 0);
    CHECK(ran.err.find("inspect") == std::string::npos);
  }
  CHECK(run_tool({"count", store}).out == "5000\n");
  const auto refused = run_tool({"import", store, "-"}, records);
  INFO(refused.err);
  CHECK(refused.exit != 0);
  CHECK(refused.exit < 128);
  CHECK(refused.err.find("o space left") != std::string::npos);
  std::filesystem::remove(disk + "/ballast");
  CHECK(run_tool({"put", store, "--node", "7", "--property", "q", "--actual", "1"}).exit == 0);
  CHECK(run_tool({"count", store}).out == "5001\n");
  ::umount2(disk.c_str(), MNT_DETACH);
}

// Each try of the fold was told on a line of its own, and the last line spoke of the last batch:
// "the first 0 records are stored".
TEST_CASE("an import that fills the disk says so once, and how much is stored", "[regression]") {
  const TestDirectory directory;
  const auto disk = directory.path("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=24m") != 0) {
    WARN("skipped: this process may not mount a tmpfs");
    return;
  }
  const auto store = disk + "/store";
  std::string records;
  for (std::size_t i = 0; i < 400'000; ++i) {
    // Too various to be compressed much.
    const auto noise = std::to_string(i * 0x9E3779B97F4A7C15ULL) +
                       std::to_string((i + 1) * 0xBF58476D1CE4E5B9ULL) +
                       std::to_string((i + 2) * 0x94D049BB133111EBULL);
    records += R"({"node":)" + std::to_string(i) +
               R"(,"property":"p","inherited":null,"actual":1,"reason":")" + noise +
               R"(","source":"Detected","created_at":"2020-01-01T00:00:00Z","confidence":0.5})" +
               "\n";
  }
  const auto file = directory.path("records.ndjson");
  write_file(file, records);
  const auto ran = run_tool({"import", store, file, "--memory", "64"});
  INFO(ran.err);
  CHECK(ran.exit == 5);
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  const std::string begin = "caveat: the first ";
  REQUIRE(ran.err.rfind(begin, 0) == 0);
  const auto stored = std::stoul(ran.err.substr(begin.size()));
  CHECK(stored > 0);
  CHECK(ran.err.find(std::to_string(stored) + " records are stored, the rest is not: ") !=
        std::string::npos);
  CHECK(ran.err.find("bulk_store") == std::string::npos);
  // It is the beginning of the input.
  const auto count = run_tool({"count", store});
  INFO(count.err);
  CHECK(count.out == std::to_string(stored) + "\n");
  CHECK(run_tool({"get", store, std::to_string(stored - 1)}).exit == 0);
  ::umount2(disk.c_str(), MNT_DETACH);
}
