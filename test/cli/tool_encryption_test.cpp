// Encrypted stores on the command line.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "caveat/encryption.h"
#include "caveat/storage_optimizer.h"
#include "test/cli/tool.h"

using namespace caveat::test;

namespace {

bool holds(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

// A place for a store, and a file with the first of two keys.
struct Keyed {
  TestDirectory directory;
  std::string store = directory.path("store");
  std::string keys = directory.path("keys");
  std::string first = "1:" + std::string(64, 'a') + "\n";
  std::string second = "2:" + std::string(64, 'b') + "\n";

  Keyed() {
    write_file(keys, first);
    ::unsetenv("CAVEAT_KEY_FILE");
  }
};

}  // namespace

TEST_CASE("encrypt makes a plain store an encrypted one, ends rotations, and says what to do") {
  if (caveat::built_in_cipher() == nullptr) return;
  const Keyed files;
  const auto& [directory, store, keys, first, second] = files;
  REQUIRE(run_tool({"import", store, "-"}, sample_records(700)).exit == 0);
  const auto dump = run_tool({"dump", store}).out;

  // What is advised is a command that there is.
  const auto plain = run_tool({"dump", store, "--key-file", keys});
  CHECK(plain.exit == 2);
  CHECK(holds(plain.err, "\"caveat encrypt STORE\" encrypts it"));
  const auto keyless = run_tool({"encrypt", store});
  CHECK(keyless.exit == 2);
  CHECK(holds(keyless.err, "--key-file FILE"));
  CHECK(run_tool({"encrypt", directory.path("none"), "--key-file", keys}).exit == 3);

  const auto done = run_tool({"encrypt", store, "--key-file", keys});
  CHECK(done.exit == 0);
  CHECK(holds(done.out, "1 (current)"));
  const auto refused = run_tool({"dump", store});
  CHECK(refused.exit == 1);
  CHECK(holds(refused.err, "give key 1; a file with it is named by --key-file FILE"));
  CHECK(run_tool({"dump", store, "--key-file", keys}).out == dump);

  // Again it changes nothing; with another key at the end it is a rotation, to its end.
  CHECK(run_tool({"encrypt", store, "--key-file", keys}).out == done.out);
  write_file(keys, first + second);
  const auto rotated = run_tool({"encrypt", store, "--key-file", keys, "--json"});
  CHECK(rotated.exit == 0);
  CHECK(holds(rotated.out, R"({"keys":[{"id":2,"current":true,)"));
  CHECK_FALSE(holds(rotated.out, R"("id":1)"));
  write_file(keys, second);
  CHECK(run_tool({"dump", store, "--key-file", keys}).out == dump);
  CHECK(run_tool({"verify", store, "--key-file", keys}).exit == 0);

  // The option goes before the variable.
  write_file(directory.path("other"), first);
  ::setenv("CAVEAT_KEY_FILE", directory.path("other").c_str(), 1);
  CHECK(run_tool({"dump", store}).exit == 1);
  CHECK(run_tool({"dump", store, "--key-file", keys}).exit == 0);
  ::unsetenv("CAVEAT_KEY_FILE");
}

TEST_CASE("encrypt ends a rotation that was cut short, though nothing is under the older key") {
  if (caveat::built_in_cipher() == nullptr) return;
  const Keyed files;
  const auto& [directory, store, keys, first, second] = files;
  REQUIRE(run_tool({"import", store, "-", "--key-file", keys}, sample_records(300)).exit == 0);
  const auto dump = run_tool({"dump", store, "--key-file", keys}).out;
  {
    caveat::Options options;
    options.encryption.keys =
        std::make_shared<const caveat::KeyRing>(caveat::KeyRing::parse(first + second).value());
    auto opened = caveat::open(store, options).value();
    REQUIRE(opened.store_exception({1, 1}, {}));
    const auto held = opened.snapshot();
    REQUIRE(opened.remove_exception({1, 1}));
    REQUIRE(opened.optimize_storage());  // all is written anew, but the snapshot holds older files
  }
  write_file(keys, first + second);
  CHECK(holds(run_tool({"stats", store, "--key-file", keys, "--json"}).out,
              R"({"id":1,"current":false,"values":0,)"));
  const auto ended = run_tool({"encrypt", store, "--key-file", keys, "--json"});
  CHECK(ended.exit == 0);
  CHECK_FALSE(holds(ended.out, R"("id":1)"));
  // Now the older key may go, as the command says.
  write_file(keys, second);
  CHECK(run_tool({"dump", store, "--key-file", keys}).out == dump);
}

TEST_CASE("every command that opens a store takes its keys from an option") {
  if (caveat::built_in_cipher() == nullptr) return;
  const TestDirectory directory;
  const auto store = directory.path("store");
  const auto keys = directory.path("keys");
  write_file(keys, "1:" + std::string(64, 'a') + "\n");
  ::unsetenv("CAVEAT_KEY_FILE");
  REQUIRE(run_tool({"import", store, "-", "--key-file", keys}, sample_records(50)).exit == 0);
  const auto backups = directory.path("backups");
  const std::vector<std::vector<std::string>> commands = {
      {"put", store, "--node", "1", "--property", "q", "--actual", "1"},
      {"remove", store, "--where", "property = \"q\""},
      {"diff", store, store},
      {"get", store, "1"},
      {"query", store},
      {"count", store},
      {"backup", store, backups},
      {"backup", backups, "--verify"},
      {"report", store, "-o", directory.path("report.html")},
      {"metrics", store},
      {"stats", store},
      {"blocks", store},
      {"verify", store},
      {"optimize", store},
      {"compact", store},
      {"rebuild-indexes", store},
      {"encrypt", store},
      {"dump", store},
      {"repair", store, directory.path("new")}};
  for (auto command : commands) {
    CAPTURE(command);
    command.push_back("--key-file");
    command.push_back(directory.path("none"));
    CHECK(run_tool(command).exit == 3);
    command.back() = keys;
    const auto done = run_tool(command);
    CAPTURE(done.err);
    CHECK(done.exit == 0);
  }
}

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
