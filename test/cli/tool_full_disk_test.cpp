// The tool on a disk without room: a real one, where this process may mount it.
#include <sys/mount.h>

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
