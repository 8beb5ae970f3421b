// The executable where something around it ends early: what it says, and what it makes.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "test/cli/tool.h"
#include "tools/cli/unfinished_store.h"

using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

std::string make_store(const TestDirectory& directory, std::size_t count) {
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(count)).exit == 0);
  return store;
}

// The kernel ends a process whose file grows beyond that, in the middle of the work.
void cut_off_repair(const std::string& store, const std::string& target) {
  CHECK(run_shell("ulimit -c 0; ulimit -f 128; \"$CAVEAT\" repair " + store + " " + target +
                  " >/dev/null 2>&1") != 0);
  CHECK_FALSE(fs::exists(target));
}

std::vector<std::string> unfinished_in(const TestDirectory& directory) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory.root())) {
    const auto path = entry.path().string();
    if (path.find(".unfinished-") != std::string::npos) found.push_back(path);
  }
  return found;
}

// And what it leaves beside the place of the new store.
struct KilledRepair {
  TestDirectory directory;
  std::string store = make_store(directory, 7000);
  std::string target = directory.path("new");
  std::string left;

  KilledRepair() {
    cut_off_repair(store, target);
    const auto found = unfinished_in(directory);
    REQUIRE(found.size() == 1);
    left = found[0];
  }
};

}  // namespace

// It aborted: what it could not say went out of main as an exception.
TEST_CASE("a standard error that cannot be written changes no exit code", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 50);
  const auto none = directory.path("none");
  const int wrong = run_tool({"count", none}).exit;
  REQUIRE((wrong > 0 && wrong < 128));
  CHECK(run_shell("\"$CAVEAT\" count " + none + " 2>/dev/full") == wrong);
  CHECK(run_shell("\"$CAVEAT\" count " + none + " 2>&-") == wrong);
  CHECK(run_shell("\"$CAVEAT\" count 2>/dev/full") == run_tool({"count"}).exit);
  const auto page = directory.path("page");
  CHECK(run_shell("\"$CAVEAT\" query " + store + " --limit 3 2>/dev/full >" + page) == 0);
  CHECK_FALSE(read_file(page).empty());
}

// The first files that it opened took the places of its streams: its own pipe, whose other end it
// then waited for, and one of a store might have.
TEST_CASE("a tool without standard streams writes into no file, and reads from none",
          "[regression]") {
  const TestDirectory directory;
  const auto records = directory.path("records");
  write_file(records, sample_records(500) + "{\"node\":1,\"mark\":\"no record\"}\n");
  const auto store = directory.path("store");
  // What cannot be said is no success.
  const std::vector<std::pair<std::string, int>> closed = {
      {"2>&-", 0}, {"<&- 2>&-", 0}, {"<&- >&- 2>&-", 5}, {">&- 2>&-", 5}, {"<&- >&-", 5}};
  for (const auto& [streams, expected] : closed) {
    CAPTURE(streams);
    CHECK(run_shell("timeout 100 \"$CAVEAT\" import " + store + " " + records +
                    " --on-error skip " + streams) == expected);
    for (const auto& file : fs::recursive_directory_iterator(store)) {
      CAPTURE(file.path());
      CHECK(read_file(file.path()).find("caveat: ") == std::string::npos);
    }
    CHECK(run_tool({"verify", store}).exit == 0);
    CHECK(run_tool({"count", store}).out == "500\n");
    fs::remove_all(store);
  }
  CHECK(run_shell("timeout 100 \"$CAVEAT\" import " + store + " - <&-") == 5);
}

// What it had written until then was a store of its own, which verify called sound.
TEST_CASE("a repair that is killed leaves no store where the new one was to be", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 7000);
  const auto target = directory.path("new");
  cut_off_repair(store, target);
  CHECK(run_tool({"count", store}).out == "7000\n");
  const auto repaired = run_tool({"repair", store, target});
  INFO(repaired.err);
  CHECK(repaired.exit == 0);
  CHECK(run_tool({"count", target}).out == "7000\n");
  CHECK(run_tool({"verify", target}).exit == 0);
}

TEST_CASE("a repair takes an empty directory's place, and no other's", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 50);
  fs::create_directory(directory.path("empty"));
  CHECK(run_tool({"repair", store, directory.path("empty") + "/"}).exit == 0);
  CHECK(run_tool({"count", directory.path("empty")}).out == "50\n");
  CHECK(run_tool({"repair", store, directory.path("empty")})
            .err.find("there is a caveat store at ") != std::string::npos);
  fs::create_directory(directory.path("other"));
  write_file(directory.path("other") + "/mine", "x");
  CHECK(run_tool({"repair", store, directory.path("other")}).exit != 0);
  CHECK(read_file(directory.path("other") + "/mine") == "x");
  CHECK(unfinished_in(directory).empty());
}

// Each that was killed left what it had written so far, and nothing removed it.
TEST_CASE("a repair removes what a killed one left for the same place", "[regression]") {
  const KilledRepair killed;
  const auto& [directory, store, target, left] = killed;
  const auto other = run_tool({"repair", store, directory.path("ne")});
  CHECK(other.out.find(".unfinished-") == std::string::npos);
  CHECK(unfinished_in(directory) == std::vector{left});
  const auto repaired = run_tool({"repair", store, target});
  CHECK(repaired.exit == 0);
  CHECK(repaired.out.find(left + ", which a killed repair had left, was removed") !=
        std::string::npos);
  CHECK(unfinished_in(directory).empty());
  CHECK(run_tool({"count", target}).out == "7000\n");
}

TEST_CASE("a repair leaves alone what may be anything but a killed one's") {
  const KilledRepair killed;
  const auto& [directory, store, target, left] = killed;
  std::string says = left + " was left by an earlier repair, and may be a whole store";
  std::vector<std::string> stays{left};
  SECTION("a store that somebody has opened since") {
    CHECK(run_tool({"put", left + "/store", "--node", "1", "--property", "p", "--actual", "1"})
              .exit == 0);
  }
  SECTION("one without its mark, for that goes when it is whole") {
    fs::remove(left + "/caveat.unfinished");
  }
  SECTION("one with a file that no repair makes") {
    write_file(left + "/mine", "x");
  }
  SECTION("a mark that is none") {
    write_file(left + "/caveat.unfinished", "mine");
  }
  SECTION("a link to it") {
    const auto moved = directory.path("elsewhere");
    fs::rename(left, moved);
    fs::create_directory_symlink(moved, left);
  }
  SECTION("what another repair is making") {
    fs::remove_all(left);
    const auto made = caveat::cli::UnfinishedStore::beside(target);
    REQUIRE(made);
    stays.clear();  // it goes with its maker
    CHECK(unfinished_in(directory).size() == 1);
    const auto second = caveat::cli::UnfinishedStore::beside(target);
    REQUIRE(second);
    REQUIRE(second->notes().size() == 1);
    CHECK(second->notes()[0].ends_with(" is being made by another repair"));
    CHECK(fs::exists(made->path()));
    CHECK(unfinished_in(directory).size() == 2);
    says.clear();
  }
  const auto repaired = run_tool({"repair", store, target});
  CHECK(repaired.exit == 0);
  CHECK(repaired.out.find(says) != std::string::npos);
  CHECK(unfinished_in(directory) == stays);
}

// It was deleted, after what may have been hours of work.
TEST_CASE("a repaired store that cannot take its place stays, and the error says where",
          "[regression]") {
  const TestDirectory directory;
  const auto target = directory.path("new");
  std::string made;
  {
    auto store = caveat::cli::UnfinishedStore::beside(target);
    REQUIRE(store);
    made = store->path();
    write_file(made + "/record", "x");
    fs::create_directory(target);
    write_file(target + "/mine", "y");  // meanwhile
    const auto placed = store->put_in_place();
    REQUIRE_FALSE(placed);
    CHECK(placed.error().message().find(made) != std::string::npos);
  }
  CHECK(read_file(made + "/record") == "x");
  CHECK(read_file(target + "/mine") == "y");
}

// A whole repair was made beside it, on another device, and could not be moved there.
TEST_CASE("a repair to where something is mounted is refused before it begins", "[regression]") {
  const auto refused = caveat::cli::UnfinishedStore::beside("/proc");
  REQUIRE_FALSE(refused);
  const auto shm = caveat::cli::UnfinishedStore::beside("/dev/shm");
  REQUIRE_FALSE(shm);
  CHECK_FALSE(fs::exists("/dev/shm.unfinished"));
}
