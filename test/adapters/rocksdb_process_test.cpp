// What survives a killed process, and what a second process may and may not do.
#include "test/adapters/harness.h"
#include "test/support/child_process.h"

#ifndef CAVEAT_TEST_TSAN
#include <sys/file.h>

#include <thread>

#include "adapters/rocksdb/live_checkpoint.h"

using namespace caveat;
using namespace caveat::test;

namespace {

constexpr int kAcknowledged = 500;
constexpr int kDropped = 400;

// Writes rows as the engine does, drops most again, and leaves without a word.
void write_and_say_so(KvBackend& backend) {
  KvBatch batch;
  for (int i = 0; i < kAcknowledged; ++i) {
    batch.clear();
    batch.put(Family::delta, key_of(i), "row " + std::to_string(i));
    batch.append(Family::primary, "container", std::to_string(i) + ",");
    batch.put(Family::meta, "last", std::to_string(i));
    must(backend.write(batch, i % 2 == 0 ? Durability::wal : Durability::none));
    if (i == kAcknowledged / 2) must(backend.compact(Family::primary, {}));
  }
  batch.clear();
  batch.erase_range(Family::delta, key_of(0), key_of(kDropped));
  must(backend.write(batch, Durability::wal));
}

std::string container() {
  std::string value;
  for (int i = 0; i < kAcknowledged; ++i) value += std::to_string(i) + ",";
  return value;
}

void check_all_there(KvBackend& b) {
  CHECK(read(b, Family::meta, "last") == std::to_string(kAcknowledged - 1));
  CHECK(read(b, Family::primary, "container") == container());
  const Pairs rows = walk(b, Family::delta);
  REQUIRE(rows.size() == kAcknowledged - kDropped);
  CHECK(rows.front().first == key_of(kDropped));
  CHECK(rows.back().second == "row " + std::to_string(kAcknowledged - 1));
}

}  // namespace

TEST_CASE("child: write and hold the store open", "[.child]") {
  const auto backend = must(open_rocksdb_backend(child_directory()));
  write_and_say_so(*backend);
  say("ready");
  ::pause();
}

TEST_CASE("child: write without end", "[.child]") {
  RocksdbBackendOptions options;
  options.write_buffer_bytes = 1 << 20;  // flushes all the time
  const auto backend = must(open_rocksdb_backend(child_directory(), options));
  KvBatch batch;
  for (std::uint64_t i = 0;; ++i) {
    batch.clear();
    batch.put(Family::primary, key_of(i % 512), std::string(2000, 'x') + key_of(i));
    batch.put(Family::meta, "last", key_of(i));
    must(backend->write(batch, Durability::wal));
    if (i == 2000) say("ready");
    // A change of files every 50 ms or so, not more of them than any copy could outrun.
    if (i > 2000) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

TEST_CASE("acknowledged writes survive a killed process") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  ChildProcess child("child: write and hold the store open", path);
  REQUIRE(child.wait_for("ready"));
  child.kill();
  auto backend = must(open_rocksdb_backend(path));
  check_all_there(*backend);
  // And merged values through flush, compaction and another recovery.
  for (const Family family : kFamilies) must(backend->compact(family, {}));
  check_all_there(*backend);
  append(*backend, Family::primary, "container", "end");
  must(backend->close());
  backend = must(open_rocksdb_backend(path));
  CHECK(read(*backend, Family::primary, "container") == container() + "end");
}

TEST_CASE("a store that is open elsewhere is locked, and names the pid") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  ChildProcess child("child: write and hold the store open", path);
  REQUIRE(child.wait_for("ready"));
  const StorageError error = must_fail(open_rocksdb_backend(path));
  CHECK(error.code() == ErrorCode::locked);
  CHECK(error.message() ==
        path.string() + " is open in another process, pid " + std::to_string(child.pid()));
  child.kill();
  must(open_rocksdb_backend(path));  // the kernel gave the lock back
}

TEST_CASE("a store that this process has open is locked") {
  const RocksdbKind kind;
  const StorageError error = must_fail(open_rocksdb_backend(kind.path()));
  CHECK(error.code() == ErrorCode::locked);
  CHECK(error.message().find("this process, pid " + std::to_string(::getpid())) !=
        std::string::npos);
  put(*kind.backend, Family::meta, "k", "v");  // and the first one is unharmed
  // Still locked: the attempt did not take the lock away.
  CHECK(must_fail(open_rocksdb_backend(kind.path())).code() == ErrorCode::locked);
  must(kind.backend->close());
  must(open_rocksdb_backend(kind.path()));
}

TEST_CASE("a live store can be copied and the copy opens") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  ChildProcess child("child: write and hold the store open", path);
  REQUIRE(child.wait_for("ready"));
  const auto copy = must(checkpoint_of_live_store(path, scratch.path() / "copies"));
  {
    const auto backend = must(open_rocksdb_backend(copy));
    check_all_there(*backend);
    erase(*backend, Family::primary, "container");
    for (const Family family : kFamilies) must(backend->compact(family, {}));
  }
  std::filesystem::remove_all(copy);
  CHECK(std::filesystem::is_empty(scratch.path() / "copies"));
  // The owner does not mind.
  const auto again = must(checkpoint_of_live_store(path, scratch.path() / "copies"));
  check_all_there(*must(open_rocksdb_backend(again)));
  child.kill();
  check_all_there(*must(open_rocksdb_backend(path)));
}

TEST_CASE("child: write and settle and hold the store open", "[.child]") {
  const auto backend = must(open_rocksdb_backend(child_directory()));
  for (int i = 0; i < 6; ++i) {  // enough for flush() to give the log back
    put(*backend, Family::primary, key_of(i), std::string(1 << 20, static_cast<char>('a' + i)));
  }
  must(backend->flush());
  say("ready");
  ::pause();
}

TEST_CASE("a live store whose log is empty can be copied") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  ChildProcess child("child: write and settle and hold the store open", path);
  REQUIRE(child.wait_for("ready"));
  const auto copy = must(checkpoint_of_live_store(path, scratch.path() / "copies"));
  CHECK(walk(*must(open_rocksdb_backend(copy)), Family::primary).size() == 6);
  child.kill();
  const auto dead = must(checkpoint_of_live_store(path, scratch.path() / "copies"));
  CHECK(walk(*must(open_rocksdb_backend(dead)), Family::primary).size() == 6);
}

// Nobody's files are linked by another user where fs.protected_hardlinks is on, as it mostly is.
TEST_CASE("child: copy a store as a user who does not own it", "[.child]") {
  const auto path = child_directory();
  REQUIRE(::setgid(65534) == 0);
  REQUIRE(::setuid(65534) == 0);
  const auto copy = must(checkpoint_of_live_store(path / "store", path / "copies"));
  check_all_there(*must(open_rocksdb_backend(copy)));
  say("ready");
}

TEST_CASE("a store can be copied by a user who may read it only") {
  if (::getuid() != 0) {
    WARN("skipped: only root can become another user");
    return;
  }
  namespace fs = std::filesystem;
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  {
    const auto backend = must(open_rocksdb_backend(path));
    write_and_say_so(*backend);
    must(backend->close());
  }
  fs::create_directory(scratch.path() / "copies");
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path())) {
    const auto more = entry.is_directory() ? fs::perms::others_read | fs::perms::others_exec
                                           : fs::perms::others_read;
    fs::permissions(entry.path(), more, fs::perm_options::add);
  }
  fs::permissions(scratch.path(), fs::perms::others_read | fs::perms::others_exec,
                  fs::perm_options::add);
  fs::permissions(scratch.path() / "copies", fs::perms::all);
  ChildProcess child("child: copy a store as a user who does not own it", scratch.path());
  CHECK(child.wait_for("ready"));
}

TEST_CASE("copies of a store under heavy writing are consistent") {
  const ScratchDirectory scratch;
  const auto path = scratch.path() / "store";
  ChildProcess child("child: write without end", path);
  REQUIRE(child.wait_for("ready"));
  int copied = 0;
  for (int i = 0; i < 4; ++i) {
    const auto copy = checkpoint_of_live_store(path, scratch.path() / "copies");
    if (!copy) {
      INFO(copy.error().message());
      CHECK(copy.error().code() == ErrorCode::busy);
      continue;
    }
    ++copied;
    const auto backend = must(open_rocksdb_backend(*copy));
    // The newest row of primary is the one that meta names, and no older one is missing.
    const std::string last = read(*backend, Family::meta, "last").value_or("");
    std::string newest;
    std::size_t rows = 0;
    const auto it = must(backend->iterate(Family::primary, nullptr, false));
    for (it->seek_to_first(); it->valid(); it->next(), ++rows) {
      newest = std::max(newest, std::string(it->value().substr(2000)));
    }
    must(it->status());
    CHECK(rows == 512);
    CHECK(newest == last);
  }
  CHECK(copied > 0);
}

TEST_CASE("a store that nobody has open can be copied and stays as it was") {
  RocksdbKind kind;
  write_and_say_so(*kind.backend);
  must(kind.backend->close());
  const auto listing = [&] {
    std::vector<std::pair<std::string, std::filesystem::file_time_type>> files;
    for (const auto& entry : std::filesystem::directory_iterator(kind.path())) {
      files.emplace_back(entry.path().filename(), entry.last_write_time());
    }
    std::sort(files.begin(), files.end());
    return files;
  };
  const auto before = listing();
  const auto copy = must(checkpoint_of_live_store(kind.path(), kind.scratch.path() / "copies"));
  CHECK(listing() == before);
  check_all_there(*must(open_rocksdb_backend(copy)));
  CHECK(listing() == before);
  CHECK(must_fail(checkpoint_of_live_store(kind.scratch.path() / "none", "/tmp")).code() ==
        ErrorCode::not_found);
}

#endif  // CAVEAT_TEST_TSAN
