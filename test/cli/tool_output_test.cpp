// dump -o: whatever stands at the path is treated as what it is.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "test/cli/tool.h"

using namespace caveat::test;
namespace fs = std::filesystem;

namespace {

struct World {
  TestDirectory directory;
  std::string store = directory.path("store");
  std::string dump;

  World() {
    REQUIRE(run_tool({"import", store, "-"}, sample_records(50)).exit == 0);
    dump = run_tool({"dump", store}).out;
    REQUIRE_FALSE(dump.empty());
  }
  void require_dump_to(const std::string& path) const {
    const auto ran = run_tool({"dump", store, "-o", path});
    INFO(ran.err);
    REQUIRE(ran.exit == 0);
  }
  [[nodiscard]] bool no_part_left() const {
    for (const auto& entry : fs::recursive_directory_iterator(directory.root())) {
      if (entry.path().extension() == ".part") return false;
    }
    return true;
  }
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode;
}

}  // namespace

TEST_CASE("a dump to a pipe goes through it, also by a link to it", "[regression]") {
  const World world;
  const auto pipe = world.directory.path("pipe");
  const auto link = world.directory.path("link");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  fs::create_symlink("pipe", link);
  for (const auto& path : {pipe, link}) {
    // Opened for both, so that neither this test nor the tool waits for the other to come.
    const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK);
    REQUIRE(reader >= 0);
    world.require_dump_to(path);
    std::string got(world.dump.size() + 1, '\0');  // less than a pipe holds
    const auto count = ::read(reader, got.data(), got.size());
    got.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    ::close(reader);
    CHECK(got == world.dump);
    CHECK(S_ISFIFO(mode_of(pipe)));
    CHECK(S_ISLNK(mode_of(link)));
  }
  CHECK(world.no_part_left());
}

TEST_CASE("a dump or a report into the store itself is refused", "[regression]") {
  const World world;
  const auto current = read_file(fs::path(world.store) / "CURRENT");
  fs::create_directory_symlink(world.store, world.directory.path("by another name"));
  for (const std::string command : {"dump", "report"}) {
    for (const std::string& name : {world.store + "/CURRENT", world.store + "/new",
                                    world.directory.path("by another name/CURRENT")}) {
      const auto ran = run_tool({command, world.store, "-o", name});
      CHECK(ran.exit == 2);
      CHECK(ran.err.find("lies in the store itself") != std::string::npos);
    }
  }
  CHECK(read_file(fs::path(world.store) / "CURRENT") == current);
  CHECK_FALSE(fs::exists(world.store + "/new"));
}

TEST_CASE("a blank filter is refused: it must not mean everything", "[regression]") {
  const World world;
  CHECK(run_tool({"remove", world.store, "--where", " \t"}).exit == 2);
  CHECK(run_tool({"query", world.store, " "}).exit == 2);
  CHECK(run_tool({"dump", world.store}).out == world.dump);
}

TEST_CASE("a dump through a link replaces what it names", "[regression]") {
  const World world;
  const auto file = world.directory.path("elsewhere/file");
  const auto link = world.directory.path("link");
  const auto second = world.directory.path("second");
  fs::create_directory(world.directory.path("elsewhere"));
  fs::create_symlink("elsewhere/file", link);
  fs::create_symlink(link, second);
  world.require_dump_to(second);  // what it names is made
  CHECK(read_file(file) == world.dump);
  write_file(file, "old");
  world.require_dump_to(link);
  CHECK(read_file(file) == world.dump);
  CHECK(S_ISREG(mode_of(file)));
  CHECK(S_ISLNK(mode_of(link)));
  CHECK(S_ISLNK(mode_of(second)));
  const auto circle = world.directory.path("circle");
  fs::create_symlink("circle", circle);
  CHECK(run_tool({"dump", world.store, "-o", circle}).exit == 5);
  CHECK(S_ISLNK(mode_of(circle)));
  CHECK(world.no_part_left());
}

TEST_CASE("a dump over a file keeps its mode and owner", "[regression]") {
  const World world;
  const auto file = world.directory.path("file");
  for (const mode_t mode : {0600U, 0640U, 0666U}) {
    write_file(file, "old");
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const bool given = ::geteuid() == 0 && ::chown(file.c_str(), 12345, 54321) == 0;
    world.require_dump_to(file);
    CHECK(read_file(file) == world.dump);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == mode);
    if (given) CHECK((status.st_uid == 12345 && status.st_gid == 54321));
    fs::remove(file);
  }
  CHECK(world.no_part_left());
}

TEST_CASE("a dump to an open descriptor goes where that goes", "[regression]") {
  const World world;
  const auto ran = run_tool({"dump", world.store, "-o", "/proc/self/fd/1"});
  INFO(ran.err);
  CHECK(ran.exit == 0);
  CHECK(ran.out == world.dump);
  CHECK(run_tool({"dump", world.store, "-o", world.directory.root().string()}).exit == 5);
}
