// The directory of backups by itself: what counts as a backup in it, what is a draft, and who may
// lock it.
#include <sys/mount.h>

#include "test/backup/backup_world.h"

namespace caveat::test {

namespace {

using Use = BackupDirectory::Use;
using detail::BackupFile;

// An empty one.
struct Place {
  ScratchDirectory scratch;
  fs::path path = scratch.path() / "backups";

  [[nodiscard]] BackupDirectory open(Use use) const {
    return value_of(BackupDirectory::open(path, use));
  }
};

BackupManifest manifest_numbered(std::uint64_t id) {
  BackupManifest manifest;
  manifest.id = id;
  return manifest;
}

// Contents of a draft, as they would be named.
BackupFile file_with(const BackupDirectory& directory, const std::string& bytes) {
  write_bytes(directory.draft(), bytes);
  BackupFile file;
  file.name = "000001.log";
  file.size = bytes.size();
  return file;
}

}  // namespace

TEST_CASE("where nothing is there are no backups, and nothing is made by looking", "[backup]") {
  const Place place;
  for (const Use use : {Use::look, Use::read, Use::change}) {
    const auto opened = BackupDirectory::open(place.path, use);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == ErrorCode::not_found);
    CHECK(opened.error().message() == "there are no backups of caveat at " + place.path.string());
    CHECK_FALSE(fs::exists(place.path));
  }
  const auto made = place.open(Use::make);
  CHECK(value_of(made.ids()).empty());
  CHECK(made.find(std::nullopt).error().code() == ErrorCode::not_found);
}

TEST_CASE("what an interrupted creation leaves is taken up, and nothing else is", "[backup]") {
  const Place place;
  const auto leaves = [&](const char* name, bool folder) {
    fs::remove_all(place.path);
    fs::create_directory(place.path);
    folder ? static_cast<void>(fs::create_directory(place.path / name))
           : write_bytes(place.path / name, "x");
    return BackupDirectory::open(place.path, Use::make).has_value();
  };
  CHECK(leaves("caveat.lock", false));
  CHECK(leaves("files", true));
  CHECK(leaves("CAVEAT-BACKUPS.draft", false));
  CHECK_FALSE(leaves("CAVEAT-BACKUP", false));
  CHECK_FALSE(leaves("000001.backup", false));
}

TEST_CASE("drafts are removed by who changes backups, and by no one who reads them", "[backup]") {
  const Place place;
  static_cast<void>(place.open(Use::make));
  const fs::path drafts[] = {place.path / "000007.backup.draft", place.path / "files" / "x.draft"};
  for (const Use use : {Use::look, Use::read, Use::change, Use::make}) {
    for (const fs::path& draft : drafts) write_bytes(draft, "half");
    const auto opened = place.open(use);
    const bool stays = use == Use::look || use == Use::read;
    for (const fs::path& draft : drafts) CHECK(fs::exists(draft) == stays);
  }
  CHECK(fs::exists(place.path / "CAVEAT-BACKUPS"));
}

TEST_CASE("only a number of six digits or more is a backup's name", "[backup]") {
  const Place place;
  const auto directory = place.open(Use::make);
  for (const std::uint64_t id : {3U, 1U, 1234567U}) {
    auto manifest = manifest_numbered(id);
    value_of(directory.write(manifest));
  }
  for (const char* name : {"000000.backup", "2.backup", "0000004.backup", "x.backup",
                           "000005x.backup", "000006.backups", ".backup"})
    write_bytes(place.path / name, "no backup");
  CHECK(value_of(directory.ids()) == std::vector<std::uint64_t>{1, 3, 1234567});
  CHECK(value_of(directory.find(std::nullopt)).id == 1234567);
  CHECK(value_of(directory.find(3)).id == 3);
}

TEST_CASE("a backup that is not there is told from one that cannot be read", "[backup]") {
  const Place place;
  const auto directory = place.open(Use::make);
  const std::string none = "there is no backup 9 in " + place.path.string();
  CHECK(directory.read(9).error().code() == ErrorCode::not_found);
  CHECK(directory.read(9).error().message() == none);
  CHECK(directory.erase(9).error().code() == ErrorCode::not_found);
  CHECK(directory.erase(9).error().message() == none);
  fs::create_directory(place.path / "000009.backup");
  CHECK(directory.read(9).error().code() == ErrorCode::io_error);
  CHECK(directory.erase(9).error().code() == ErrorCode::io_error);
}

TEST_CASE("contents are there if they have their length, and are kept once", "[backup]") {
  const Place place;
  const auto directory = place.open(Use::make);
  const BackupFile file = file_with(directory, "contents");
  CHECK_FALSE(directory.has_content(file));
  CHECK(value_of(directory.keep_draft(file)));
  CHECK_FALSE(fs::exists(directory.draft()));
  CHECK(directory.has_content(file));
  // Again: the draft goes, and it is said that they were there.
  static_cast<void>(file_with(directory, "CONTENTS"));
  CHECK_FALSE(value_of(directory.keep_draft(file)));
  CHECK_FALSE(fs::exists(directory.draft()));
  // Cut short: these are not the contents, and the draft takes their place.
  write_bytes(directory.content(file), "cont");
  CHECK_FALSE(directory.has_content(file));
  static_cast<void>(file_with(directory, "contents"));
  CHECK(value_of(directory.keep_draft(file)));
  CHECK(directory.has_content(file));
  CHECK(directory.keep_draft(file_with(directory, "")).has_value());
  // No manifest names them.
  value_of(directory.collect());
  CHECK_FALSE(directory.has_content(file));
}

// Else a manifest that is cut off half way would stand there under its name.
TEST_CASE("a manifest is written beside its name first", "[backup]") {
  const Place place;
  const auto directory = place.open(Use::make);
  auto manifest = manifest_numbered(1);
  value_of(directory.write(manifest));
  manifest.records = 5;
  fs::create_symlink("/dev/full", place.path / "000001.backup.draft");
  CHECK_FALSE(directory.write(manifest));
  CHECK(value_of(directory.read(1)).records == 0);
}

TEST_CASE("a lock that cannot be opened is an error, whoever wants it", "[backup]") {
  const Place place;
  static_cast<void>(place.open(Use::make));
  fs::remove(place.path / "caveat.lock");
  fs::create_directory(place.path / "caveat.lock");
  for (const Use use : {Use::read, Use::change, Use::make}) {
    const auto opened = BackupDirectory::open(place.path, use);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == ErrorCode::io_error);
  }
  static_cast<void>(place.open(Use::look));
}

// Needs the right to mount, as root has it outside of most containers.
TEST_CASE("backups on a medium that can only be read are read", "[backup]") {
  const ScratchDirectory scratch;
  const fs::path medium = scratch.path() / "medium";
  fs::create_directory(medium);
  if (::mount("tmpfs", medium.c_str(), "tmpfs", 0, "size=64m") != 0) {
    WARN("skipped: mounting is not allowed here");
    return;
  }
  struct Unmount {
    const fs::path& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{medium};
  World world;
  world.add(0, 50);
  const fs::path backups = medium / "backups";
  value_of(create_backup(world.store, backups));
  fs::remove(backups / "caveat.lock");
  REQUIRE(::mount("tmpfs", medium.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64m") == 0);
  CHECK(usable(backups) == 1);
  value_of(verify_backup(backups, 1));
  value_of(restore_backup(backups, 1, world.restored));
  check_holds(world.restored, 50);
  // Whoever would change them is told so by the lock, before anything else.
  const auto change = BackupDirectory::open(backups, Use::change);
  REQUIRE_FALSE(change);
  CHECK(change.error().message().find((backups / "caveat.lock").string()) == 0);
  CHECK(create_backup(world.store, backups).error().code() == ErrorCode::io_error);
  CHECK(delete_backup(backups, 1).error().code() == ErrorCode::io_error);
  CHECK(usable(backups) == 1);
}

}  // namespace caveat::test
