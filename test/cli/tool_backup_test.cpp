// caveat backup and caveat restore, on a store that may be open elsewhere.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "test/cli/tool.h"

namespace caveat::test {

namespace {

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a store is backed up, listed, verified, restored and thinned out", "[tool]") {
  const TestDirectory directory;
  const std::string store = directory.path("store");
  const std::string backups = directory.path("backups");
  const std::string restored = directory.path("restored");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(700)).exit == 0);
  const auto made = run_tool({"backup", store, backups, "--json"});
  INFO(made.err);
  CHECK(made.exit == 0);
  CHECK(says(made.out, R"("id":1,)"));
  CHECK(says(made.out, R"("records":700,)"));
  const std::string before = run_tool({"dump", store}).out;
  REQUIRE(run_tool({"put", store, "--node", "1", "--property", "q", "--actual", "1"}).exit == 0);
  CHECK(run_tool({"backup", store, backups}).exit == 0);
  CHECK(says(run_tool({"backup", backups, "--list", "--json"}).out, R"({"id":2,)"));
  const auto verified = run_tool({"backup", backups, "--verify", "--id", "1"});
  INFO(verified.err);
  CHECK(verified.exit == 0);
  CHECK(says(verified.out, "the backup is sound\n"));

  CHECK(run_tool({"restore", backups, restored, "--id", "1"}).exit == 0);
  CHECK(run_tool({"dump", restored}).out == before);
  const auto refused = run_tool({"restore", backups, restored});
  CHECK(refused.exit == 2);
  CHECK(says(refused.err, "--force"));
  CHECK(run_tool({"dump", restored}).out == before);
  CHECK(run_tool({"restore", backups, restored, "--force"}).exit == 0);
  CHECK(run_tool({"count", restored}).out == "701\n");
  CHECK(run_tool({"verify", restored}).exit == 0);

  CHECK(run_tool({"backup", backups, "--keep", "1"}).out == "1 backup is deleted\n");
  CHECK(run_tool({"restore", backups, restored, "--id", "1", "--force"}).exit == 3);
  CHECK(run_tool({"backup", backups, "--delete", "2"}).exit == 0);
  CHECK(run_tool({"backup", backups, "--list"}).out == "no backups\n");
}

TEST_CASE("a store that another process writes to is backed up", "[tool]") {
  const TestDirectory directory;
  const std::string store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(70)).exit == 0);
  RunningTool writer({"import", store, "-"});
  writer.feed("\n");
  const auto made = run_tool({"backup", store, directory.path("backups")});
  INFO(made.err);
  CHECK(made.exit == 0);
  CHECK(writer.finish().exit == 0);
  CHECK(run_tool({"restore", directory.path("backups"), directory.path("new")}).exit == 0);
  CHECK(run_tool({"count", directory.path("new")}).out == "70\n");
}

TEST_CASE("a damaged backup is named, and options that do not go together are refused", "[tool]") {
  const TestDirectory directory;
  const std::string store = directory.path("store");
  const std::string backups = directory.path("backups");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(70)).exit == 0);
  REQUIRE(run_tool({"backup", store, backups}).exit == 0);
  const auto manifest = std::filesystem::path(backups) / "000001.backup";
  auto bytes = read_file(manifest);
  bytes[60] = static_cast<char>(bytes[60] ^ 1);
  write_file(manifest, bytes);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"backup", backups, "--verify"},
        {"restore", backups, directory.path("new")}}) {
    const auto ran = run_tool(command);
    CHECK(ran.exit == 1);
    CHECK(says(ran.err, "000001.backup"));
  }
  CHECK(run_tool({"backup", backups, "--list"}).exit == 1);

  CHECK(run_tool({"backup", backups}).exit == 2);
  CHECK(run_tool({"backup", backups, "--list", "--verify"}).exit == 2);
  CHECK(run_tool({"backup", store, backups, "--list"}).exit == 2);
  CHECK(run_tool({"backup", backups, "--id", "1"}).exit == 2);
  CHECK(run_tool({"backup", backups, "--delete", "0"}).exit == 2);
  CHECK(run_tool({"backup", directory.path("absent"), "--list"}).exit == 3);
}

}  // namespace caveat::test
