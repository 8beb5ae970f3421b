// Backups: what is in them, what they cost, and that whatever ends one leaves those before it.
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <random>
#include <thread>

#include "test/backup/backup_world.h"
#include "test/support/child_process.h"
#include "test/support/store_files.h"

namespace caveat::test {

TEST_CASE("a backup restores to the store as it was", "[backup]") {
  World world;
  world.add(0, 3000);
  const auto made = value_of(create_backup(world.store, world.backups));
  CHECK(made.id == 1);
  CHECK(made.records == 3000);
  CHECK(made.new_bytes > 0);
  world.add(3000, 4000);
  CHECK(value_of(verify_backup(world.backups, std::nullopt, {true, nullptr})).id == 1);
  value_of(restore_backup(world.backups, std::nullopt, world.restored));

  struct stat found {};
  REQUIRE(::stat(world.restored.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0700);
  for (const auto& folder : {world.restored, world.backups, world.backups / "files"}) {
    for (const auto& file : fs::directory_iterator(folder)) {
      if (!file.is_regular_file()) continue;
      INFO(file.path());
      REQUIRE(::stat(file.path().c_str(), &found) == 0);
      CHECK((found.st_mode & 0077U) == 0);
    }
  }
  check_holds(world.restored, 3000);
  // The restored store is backed up in its turn, beside the other.
  auto again = value_of(StorageOptimizer::open(world.restored, small_store()));
  CHECK(value_of(create_backup(again, world.backups)).id == 2);
}

TEST_CASE("a backup made while many write holds a prefix of what they wrote", "[backup]") {
  World world;
  std::atomic<NodeId> acknowledged{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (NodeId node = 0; !stop; ++node) {
      if (!world.store.store_exception({node, kProperty}, numbered(node))) return;
      acknowledged = node + 1;
      if (node % 3000 == 2999) static_cast<void>(world.store.flush());
    }
  });
  for (std::uint64_t id = 1; id <= 4; ++id) {
    while (acknowledged < id * 500) std::this_thread::yield();
    const NodeId before = acknowledged;
    value_of(create_backup(world.store, world.backups));
    const NodeId after = acknowledged + 1;
    const fs::path to = world.directory.path() / std::to_string(id);
    value_of(restore_backup(world.backups, id, to));
    auto store = value_of(StorageOptimizer::open(to, small_store()));
    const auto count = value_of(store.count({}));
    INFO("before " << before << ", in the backup " << count << ", after " << after);
    CHECK(count >= before);
    CHECK(count <= after);
    value_of(store.close());
    check_holds(to, count);
  }
  stop = true;
  writer.join();
}

TEST_CASE("a backup costs what has changed, and any other may be deleted", "[backup]") {
  World world;
  world.add(0, 20'000);
  value_of(world.store.compact_storage());  // or RocksDB writes most tables anew by itself
  const auto first = value_of(create_backup(world.store, world.backups));
  world.add(20'000, 20'001);
  const auto second = value_of(create_backup(world.store, world.backups));
  CHECK(second.new_bytes * 4 < first.bytes);
  world.add(20'001, 20'002);
  value_of(create_backup(world.store, world.backups));

  value_of(delete_backup(world.backups, 1));
  CHECK(delete_backup(world.backups, 1).error().code() == ErrorCode::not_found);
  value_of(restore_backup(world.backups, 2, world.restored));
  check_holds(world.restored, 20'001);
  CHECK(value_of(keep_newest_backups(world.backups, 1)) == 1);
  value_of(verify_backup(world.backups, 3));
  CHECK(!verify_backup(world.backups, 2));
  // What nobody needs any more is gone.
  const auto directory = value_of(BackupDirectory::open(world.backups, BackupDirectory::Use::read));
  std::set<std::string> needed;
  for (const auto& file : value_of(directory.read(3)).files) needed.insert(file.content_name());
  CHECK(contents_of(world.backups) == needed);
}

TEST_CASE("a backup can thin out those before it", "[backup]") {
  World world;
  BackupOptions options;
  options.keep = 2;
  for (NodeId i = 0; i < 5; ++i) {
    world.add(i * 10, i * 10 + 10);
    value_of(create_backup(world.store, world.backups, options));
  }
  const auto listed = value_of(list_backups(world.backups));
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].id == 4);
  CHECK(listed[1].id == 5);
  value_of(restore_backup(world.backups, 4, world.restored));
  check_holds(world.restored, 40);
}

TEST_CASE("a volatile store says that backups are not supported", "[backup]") {
  const ScratchDirectory directory;
  StorageOptimizer store;
  const auto made = create_backup(store, directory.path() / "backups");
  REQUIRE(!made);
  CHECK(made.error().code() == ErrorCode::invalid_argument);
  CHECK(made.error().message().find("not supported") != std::string::npos);
  CHECK(!fs::exists(directory.path() / "backups"));
}

TEST_CASE("a restore takes the place of a store only if asked, and of nothing else", "[backup]") {
  World world;
  world.add(0, 100);
  value_of(create_backup(world.store, world.backups));
  world.add(100, 200);
  const RestoreOptions replace{true, nullptr};
  CHECK(restore_backup(world.backups, 1, world.store_path).error().code() ==
        ErrorCode::already_exists);
  CHECK(restore_backup(world.backups, 1, world.store_path, replace).error().code() ==
        ErrorCode::locked);
  value_of(world.store.close());
  CHECK(restore_backup(world.backups, 1, world.store_path).error().code() ==
        ErrorCode::already_exists);
  value_of(restore_backup(world.backups, 1, world.store_path, replace));
  check_holds(world.store_path, 100);

  // Not of a folder of somebody's, and of an empty one without being asked.
  fs::create_directory(world.restored);
  write_bytes(world.restored / "letter", "dear");
  CHECK(restore_backup(world.backups, 1, world.restored, replace).error().code() ==
        ErrorCode::unsupported_format);
  CHECK(bytes_of(world.restored / "letter") == "dear");
  fs::remove(world.restored / "letter");
  value_of(restore_backup(world.backups, 1, world.restored));
  check_holds(world.restored, 100);

  // Nothing is left beside.
  for (const auto& entry : fs::directory_iterator(world.directory.path())) {
    CHECK(entry.path().string().find(".restore-") == std::string::npos);
  }
}

TEST_CASE("a restore that fails half way leaves the store that is there", "[backup]") {
  World world;
  world.add(0, 2000);
  value_of(create_backup(world.store, world.backups));
  world.add(2000, 3000);
  value_of(world.store.close());
  for (std::uint64_t call = 0;; ++call) {
    StopsAt stop(call);
    const auto restored =
        restore_backup(world.backups, 1, world.store_path, RestoreOptions{true, &stop});
    if (restored) break;
    INFO(call);
    CHECK(restored.error().code() == ErrorCode::cancelled);
    REQUIRE(fs::exists(world.store_path / "CAVEAT"));
    if (call == 3) check_holds(world.store_path, 3000);
  }
  check_holds(world.store_path, 2000);
}

TEST_CASE("a backup can be stopped at any report, and leaves the ones before it", "[backup]") {
  World world;
  world.add(0, 200);
  value_of(create_backup(world.store, world.backups));
  std::set<std::string> stages;
  // Each of the first, and then fewer.
  for (std::uint64_t call = 0;; call += 1 + call / 4) {
    world.add(200 + call, 201 + call);
    StopsAt stop(call);
    BackupOptions options;
    options.progress = &stop;
    const auto made = create_backup(world.store, world.backups, options);
    stages.insert(stop.stages.begin(), stop.stages.end());
    if (made) break;
    CHECK(made.error().code() == ErrorCode::cancelled);
    REQUIRE(usable(world.backups) == 1);
  }
  CHECK(stages == std::set<std::string>{"copy", "fold", "verify"});
  CHECK(usable(world.backups) == 2);
  value_of(verify_backup(world.backups, 1));
  // What was stopped has left nothing that stays.
  value_of(delete_backup(world.backups, 2));
  const auto directory = value_of(BackupDirectory::open(world.backups, BackupDirectory::Use::look));
  std::set<std::string> needed;
  for (const auto& file : value_of(directory.read(1)).files) needed.insert(file.content_name());
  CHECK(contents_of(world.backups) == needed);
}

TEST_CASE("a verification that is stopped says so of the backup, and not of another operation",
          "[backup]") {
  World world;
  world.add(0, 2000);
  value_of(create_backup(world.store, world.backups));
  std::uint64_t stopped = 0;
  for (std::uint64_t call = 0;; ++call) {
    StopsAt stop(call);
    BackupVerifyOptions options;
    options.records = true;
    options.progress = &stop;
    const auto found = verify_backup(world.backups, 1, options);
    if (found) break;
    CHECK(found.error().code() == ErrorCode::cancelled);
    CHECK(found.error().message() ==
          "verify backup 1: stopped by its caller; it was not read to its end");
    ++stopped;
  }
  CHECK(stopped > 2);
  CHECK(usable(world.backups) == 1);
}

TEST_CASE("one process at a time works on a directory of backups", "[backup]") {
  World world;
  world.add(0, 10);
  value_of(create_backup(world.store, world.backups));
  {
    const auto held = value_of(BackupDirectory::open(world.backups, BackupDirectory::Use::change));
    CHECK(create_backup(world.store, world.backups).error().code() == ErrorCode::locked);
    CHECK(usable(world.backups) == 1);
  }
  value_of(create_backup(world.store, world.backups));
}

TEST_CASE("a directory that holds no backups is left alone", "[backup]") {
  World world;
  world.add(0, 10);
  fs::create_directory(world.backups);
  write_bytes(world.backups / "letter", "dear");
  CHECK(create_backup(world.store, world.backups).error().code() == ErrorCode::unsupported_format);
  CHECK(create_backup(world.store, world.store_path).error().code() == ErrorCode::invalid_argument);
  CHECK(list_backups(world.directory.path() / "absent").error().code() == ErrorCode::not_found);
  fs::remove(world.backups / "letter");
  value_of(create_backup(world.store, world.backups));
  write_bytes(world.backups / "CAVEAT-BACKUPS", "caveat backups\nformat 2\n");
  CHECK(list_backups(world.backups).error().code() == ErrorCode::unsupported_format);
}

TEST_CASE("a full disk fails a backup and leaves the ones before it", "[backup]") {
  World world;
  fs::create_directory(world.backups);
  if (::mount("tmpfs", world.backups.c_str(), "tmpfs", 0, "size=1m,mode=700") != 0) {
    WARN("skipped: this process may not mount a tmpfs");
    return;
  }
  world.add(0, 100);
  value_of(create_backup(world.store, world.backups));
  std::mt19937_64 random(1);
  for (NodeId node = 100; node < 400; ++node) {
    Exception large = numbered(node);
    large.reason.resize(8000);
    for (char& c : large.reason) c = static_cast<char>(' ' + random() % 90);
    value_of(world.store.store_exception({node, kProperty}, large));
  }
  for (int again = 0; again < 2; ++again) {
    const auto made = create_backup(world.store, world.backups);
    REQUIRE(!made);
    CHECK(made.error().code() == ErrorCode::no_space);
  }
  CHECK(usable(world.backups) == 1);
  value_of(verify_backup(world.backups, 1, {true, nullptr}));
  CHECK(value_of(world.store.count({})) == 400);
  ::umount2(world.backups.c_str(), MNT_DETACH);
}

// A restore in the store's place deleted the backups that it was made of.
TEST_CASE("backups in their store, or around it, are refused", "[backup][regression]") {
  World world;
  world.add(0, 10);
  const fs::path link = world.directory.path() / "link";
  fs::create_directory_symlink(world.store_path, link);
  const auto inside = world.store_path / "backups";
  for (const auto& place : {inside, world.store_path, link / "backups", world.directory.path(),
                            world.store_path / ".." / "store" / "backups"}) {
    const auto made = create_backup(world.store, place);
    INFO(place);
    REQUIRE_FALSE(made);
    CHECK(made.error().code() == ErrorCode::invalid_argument);
    CHECK(made.error().message().find(place.string()) != std::string::npos);
  }
  CHECK_FALSE(fs::exists(inside));
  value_of(create_backup(world.store, world.directory.path() / "store-backups"));
  value_of(create_backup(world.store, world.backups));
  value_of(world.store.close());
  // As an older caveat let them be made.
  fs::rename(world.backups, inside);
  RestoreOptions options;
  options.replace = true;
  for (const auto& [backups, target] : {std::pair{inside, world.store_path},
                                        {link / "backups", world.store_path},
                                        {inside, link},
                                        {inside, inside / "restored"},
                                        {inside, inside}}) {
    const auto restored = restore_backup(backups, {}, target, options);
    INFO(backups << " to " << target);
    REQUIRE_FALSE(restored);
    CHECK(restored.error().code() == ErrorCode::invalid_argument);
    CHECK(usable(inside) == 1);
  }
  value_of(restore_backup(inside, {}, world.restored));
  check_holds(world.restored, 10);
}

TEST_CASE("child: makes backups until it is killed", "[.child]") {
  const fs::path directory = child_directory();
  auto store = value_of(StorageOptimizer::open(directory / "store", small_store()));
  BackupOptions options;
  options.keep = 3;
  for (NodeId node = value_of(store.count({}));; node += 50) {
    store_nodes(store, kProperty, node, node + 50, numbered);
    say("working");
    const auto made = create_backup(store, directory / "backups", options);
    if (!made) say(made.error().message());
  }
}

TEST_CASE("a process that is killed while it makes a backup leaves sound ones", "[backup]") {
  const ScratchDirectory directory;
  const char* given = std::getenv("CAVEAT_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 1;
  INFO("CAVEAT_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::uint64_t newest = 0;
  for (int kill = 0; kill < (kSanitized ? 3 : 8); ++kill) {
    ChildProcess child("child: makes backups until it is killed", directory.path());
    for (std::uint64_t lines = 1 + random() % 4; lines > 0; --lines) {
      REQUIRE(child.wait_for("working"));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    child.kill();
    const auto listed = list_backups(directory.path() / "backups");
    if (!listed) continue;  // killed before the first
    for (const auto& backup : *listed) {
      REQUIRE(backup.info);
      value_of(verify_backup(directory.path() / "backups", backup.id, {true, nullptr}));
      CHECK(backup.info->records % 50 == 0);
    }
    if (listed->empty()) continue;
    CHECK(listed->back().id >= newest);
    newest = listed->back().id;
  }
  CHECK(newest > 0);
}

}  // namespace caveat::test
