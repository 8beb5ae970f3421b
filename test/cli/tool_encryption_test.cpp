// Encrypted stores on the command line.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "caveat/encryption.h"
#include "test/cli/tool.h"

using namespace caveat::test;

namespace {

bool holds(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("keys come from a file, and every command of an encrypted store needs it") {
  if (caveat::built_in_cipher() == nullptr) return;
  const TestDirectory directory;
  const auto store = directory.path("store");
  const auto keys = directory.path("keys");
  const auto newer = directory.path("newer");
  const std::string first = "1:" + std::string(64, 'a') + "\n";
  write_file(keys, first);
  write_file(newer, "2:" + std::string(64, 'b') + "\n");
  const auto use = [](const std::string& file) { ::setenv("CAVEAT_KEY_FILE", file.c_str(), 1); };
  use(keys);
  REQUIRE(run_tool({"import", store, "-"}, sample_records(700)).exit == 0);
  const auto dump = run_tool({"dump", store});
  CHECK(dump.exit == 0);
  CHECK(sorted_lines(dump.out).size() == 700);
  for (const char* command : {"dump", "stats", "verify", "optimize", "compact"}) {
    CAPTURE(command);
    ::unsetenv("CAVEAT_KEY_FILE");
    const auto without = run_tool({command, store});
    CHECK(without.exit == 1);
    CHECK(holds(without.out + without.err, "key 1"));
    CHECK(holds(without.out + without.err, "CAVEAT_KEY_FILE"));
    use(newer);
    CHECK(run_tool({command, store}).exit == 1);
    use(directory.path("none"));
    CHECK(run_tool({command, store}).exit == 3);
    use(keys);
    CHECK(run_tool({command, store}).exit == 0);
  }
  write_file(newer, "2:abc\n");
  use(newer);
  const auto bad = run_tool({"dump", store});
  CHECK(bad.exit == 2);
  CHECK(holds(bad.err, "line 1"));
  use(keys);

  // Rotation.
  write_file(keys, first + "2:" + std::string(64, 'b') + "\n");
  CHECK(holds(run_tool({"stats", store}).out, "Encryption"));
  CHECK(holds(run_tool({"stats", store, "--json"}).out, R"("keys":[{"id":1,)"));
  CHECK(run_tool({"optimize", store}).exit == 0);
  write_file(keys, "2:" + std::string(64, 'b') + "\n");
  CHECK(run_tool({"dump", store}).out == dump.out);
  CHECK(run_tool({"verify", store}).exit == 0);
  const auto repaired = directory.path("repaired");
  CHECK(run_tool({"repair", store, repaired}).exit == 0);
  CHECK(run_tool({"dump", repaired}).out == dump.out);
  const auto backups = directory.path("backups");
  const auto restored = directory.path("restored");
  CHECK(run_tool({"backup", store, backups}).exit == 0);
  CHECK(run_tool({"backup", "--verify", backups}).exit == 0);
  CHECK(run_tool({"restore", backups, restored}).exit == 0);
  CHECK(run_tool({"dump", restored}).out == dump.out);
  ::unsetenv("CAVEAT_KEY_FILE");
  CHECK(run_tool({"backup", "--verify", backups}).exit == 1);
  CHECK(run_tool({"dump", repaired}).exit == 1);
}
