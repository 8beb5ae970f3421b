// What the executable does with a store that does not open, and with one block that cannot be read.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

#include "test/cli/tool.h"

using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string make_store(const TestDirectory& directory, std::size_t count) {
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(count)).exit == 0);
  REQUIRE(run_tool({"optimize", store}).exit == 0);
  return store;
}

std::map<std::string, std::string> contents(const std::string& store) {
  std::map<std::string, std::string> all;
  for (const auto& file : fs::directory_iterator(store)) {
    all[file.path().filename().string()] = read_file(file.path());
  }
  return all;
}

// The tables of a family that hold data; `at` of each is a byte from its begin or, below 0, its
// end.
void damage_tables(const std::string& store, const std::string& family, long at) {
  std::size_t damaged = 0;
  for (const auto& [name, bytes] : contents(store)) {
    if (!name.ends_with(".sst") || !holds(bytes, "name" + family)) continue;
    auto changed = bytes;
    const auto place = static_cast<std::size_t>(at < 0 ? static_cast<long>(bytes.size()) + at : at);
    REQUIRE(place < bytes.size());
    changed[place] = static_cast<char>(changed[place] ^ 1);
    write_file(fs::path(store) / name, changed);
    ++damaged;
  }
  REQUIRE(damaged > 0);
}

void remove_files(const std::string& store, const std::string& prefix) {
  for (const auto& [name, bytes] : contents(store)) {
    if (name.starts_with(prefix)) fs::remove(fs::path(store) / name);
  }
}

}  // namespace

TEST_CASE("repair gives all of a store back that does not open") {
  const TestDirectory directory;
  const auto store = make_store(directory, 2000);
  const auto all = run_tool({"dump", store}).out;
  const auto sound = contents(store);
  const std::map<std::string, std::function<void()>> damages = {
      {"CURRENT", [&] { remove_files(store, "CURRENT"); }},
      {"MANIFEST", [&] { remove_files(store, "MANIFEST-"); }},
      {"CAVEAT", [&] { remove_files(store, "CAVEAT"); }},
      {"everything but tables",
       [&] {
         for (const char* prefix : {"C", "M", "O", "I", "L", "caveat.lock"}) {
           remove_files(store, prefix);
         }
       }},
      {"the catalogue", [&] { damage_tables(store, "default", 30); }},
      {"meta's index", [&] { damage_tables(store, "default", -50); }},
      {"a footer of the records", [&] { damage_tables(store, "primary", -50); }},
      {"the magic of the records", [&] { damage_tables(store, "primary", -1); }},
  };
  for (const auto& [what, damage] : damages) {
    INFO(what);
    fs::remove_all(store);
    fs::create_directory(store);
    for (const auto& [name, bytes] : sound) write_file(fs::path(store) / name, bytes);
    damage();
    const auto damaged = contents(store);
    const auto plain = run_tool({"dump", store});
    INFO(plain.err);
    CHECK(plain.exit == 1);
    if (what != "CAVEAT" && what != "everything but tables") {
      CHECK(holds(plain.err, "caveat repair"));
    }
    const auto dump = run_tool({"dump", store, "--skip-damaged"});
    INFO(dump.err);
    CHECK(dump.out == all);
    const auto target = directory.path("new");
    fs::remove_all(target);
    const auto repair = run_tool({"repair", store, target});
    INFO(repair.out << repair.err);
    CHECK(repair.exit == (what == "the catalogue" ? 1 : 0));
    CHECK(holds(repair.out, "records saved  2,000"));
    CHECK(holds(repair.out, "the store was read file by file"));
    CHECK(run_tool({"dump", target}).out == all);
    CHECK(contents(store) == damaged);
  }
}

TEST_CASE("figures and maintenance go on without a block that cannot be read, and name it") {
  const TestDirectory directory;
  const auto store = make_store(directory, 20'000);
  damage_tables(store, "primary", 40);
  for (const char* command : {"stats", "report"}) {
    CAPTURE(command);
    const auto ran = run_tool({command, store});
    INFO(ran.err);
    CHECK(ran.exit == 1);
    CHECK(holds(ran.err, "primary node "));
    CHECK(holds(ran.out, command == std::string("stats") ? "partitions" : "</html>"));
    const auto json = run_tool({command, store, "--json"});
    CHECK(json.exit == 1);
    CHECK(holds(json.out, R"("damage":["primary )"));
  }
  CHECK(holds(run_tool({"report", store}).out, "Not sound"));
  CHECK(holds(run_tool({"report", store, "--no-verify"}).out, "Damaged:"));

  const auto before = run_tool({"dump", store, "--skip-damaged"}).out;
  const auto optimize = run_tool({"optimize", store, "--json"});
  INFO(optimize.err);
  CHECK(optimize.exit == 1);
  CHECK(holds(optimize.err, "primary node "));
  CHECK(holds(optimize.out, R"("damage":["primary node )"));
  const auto rebuild = run_tool({"rebuild-indexes", store});
  CHECK(rebuild.exit == 1);
  CHECK(holds(rebuild.err, "the indexes stay as they are"));
  CHECK(holds(rebuild.err, "primary node "));
  // The damaged block is still there, and is not passed over in silence.
  const auto after = run_tool({"dump", store, "--skip-damaged"});
  CHECK(after.exit == 1);
  CHECK(after.out == before);
  CHECK(run_tool({"query", store, "--property", "group0/item1"}).exit == 1);
  CHECK(run_tool({"verify", store}).exit == 1);
}

TEST_CASE("repair reads an encrypted store file by file, with its keys") {
  const TestDirectory directory;
  const auto keys = directory.path("keys");
  write_file(keys, "1:" + std::string(64, 'a') + "\n");
  ::setenv("CAVEAT_KEY_FILE", keys.c_str(), 1);
  const auto store = directory.path("store");
  const auto made = run_tool({"import", store, "-"}, sample_records(700));
  if (made.exit != 0) {  // built without a cipher
    ::unsetenv("CAVEAT_KEY_FILE");
    return;
  }
  const auto all = run_tool({"dump", store}).out;
  damage_tables(store, "default", -50);
  fs::remove(fs::path(store) / "CURRENT");
  const auto repair = run_tool({"repair", store, directory.path("new")});
  INFO(repair.out << repair.err);
  CHECK(repair.exit == 0);
  CHECK(run_tool({"dump", directory.path("new")}).out == all);
  ::unsetenv("CAVEAT_KEY_FILE");
  const auto without = run_tool({"repair", store, directory.path("other")});
  CHECK(without.exit == 1);
  CHECK(holds(without.err, "CAVEAT_KEY_FILE"));
}
