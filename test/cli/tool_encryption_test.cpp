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
  const auto records = sample_records(700);
  REQUIRE(run_tool({"import", store, "-", "--key-file", keys}, records).exit == 0);
  const auto dump = run_tool({"dump", store, "--key-file", keys});
  CHECK(dump.exit == 0);
  CHECK(sorted_lines(dump.out).size() == 700);

  for (const char* command : {"dump", "stats", "verify", "optimize", "compact"}) {
    CAPTURE(command);
    const auto without = run_tool({command, store});
    CHECK(without.exit == 1);
    CHECK(holds(without.out + without.err, "key 1"));
    CHECK(holds(without.out + without.err, "--key-file"));
    CHECK(run_tool({command, store, "--key-file", newer}).exit == 1);
    CHECK(run_tool({command, store, "--key-file", directory.path("none")}).exit == 3);
    CHECK(run_tool({command, store, "--key-file", keys}).exit == 0);
  }
  CHECK(run_tool({"dump", store, "--key-file="}).exit == 2);
  write_file(newer, "2:abc\n");
  const auto bad = run_tool({"dump", store, "--key-file", newer});
  CHECK(bad.exit == 2);
  CHECK(holds(bad.err, "line 1"));

  // Rotation, with the environment's file.
  write_file(keys, first + "2:" + std::string(64, 'b') + "\n");
  ::setenv("CAVEAT_KEY_FILE", keys.c_str(), 1);
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

TEST_CASE("a plain store is encrypted when that is asked for, and not by accident") {
  if (caveat::built_in_cipher() == nullptr) return;
  const TestDirectory directory;
  const auto store = directory.path("store");
  const auto keys = directory.path("keys");
  write_file(keys, "7:" + std::string(64, 'c') + "\n");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(700)).exit == 0);
  const auto dump = run_tool({"dump", store});
  const auto refused = run_tool({"dump", store, "--key-file", keys});
  CHECK(refused.exit == 2);
  CHECK(holds(refused.err, "caveat encrypt"));
  CHECK(run_tool({"encrypt", store}).exit == 2);
  const auto encrypted = run_tool({"encrypt", store, "--key-file", keys});
  INFO(encrypted.err);
  CHECK(encrypted.exit == 0);
  CHECK(holds(encrypted.out, "under key 7"));
  CHECK(run_tool({"dump", store}).exit == 1);
  CHECK(run_tool({"dump", store, "--key-file", keys}).out == dump.out);
  CHECK(run_tool({"encrypt", store, "--key-file", keys, "--json"}).exit == 0);
}
