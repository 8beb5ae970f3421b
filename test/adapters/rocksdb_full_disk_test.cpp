// A full disk: writes say so, reads go on, writes resume when there is room, nothing is lost.
#include <thread>

#include "test/adapters/harness.h"

#ifndef CAVEAT_TEST_TSAN
#include "test/adapters/small_disk.h"

using namespace caveat;
using namespace caveat::test;

namespace {

constexpr std::int64_t kPlenty = std::int64_t{1} << 40;

struct World {
  ScratchDirectory scratch;
  std::shared_ptr<SmallDisk> disk;
  RocksdbBackendOptions options;
  std::unique_ptr<KvBackend> backend;
  std::uint64_t stored = 0;  // rows 0 to here are acknowledged
  std::uint64_t attempts = 0;

  explicit World(std::int64_t room, std::size_t memtables = 1 << 20)
      : disk(std::make_shared<SmallDisk>(room)) {
    options.write_buffer_bytes = memtables;
    options.env = SmallDisk::env(disk);
  }
  Result<void> open() {
    auto opened = open_rocksdb_backend(scratch.path() / "store", options);
    if (!opened) return fail(opened.error());
    backend = std::move(*opened);
    return {};
  }
  // As the engine writes: a row of delta for itself, now and then a chunk of a fold.
  Result<void> write(Durability durability = Durability::wal) {
    ++attempts;
    KvBatch batch;
    batch.put(Family::delta, key_of(stored), std::string(700, 'd') + key_of(stored));
    if (stored % 16 == 15) {
      batch.put(Family::primary, key_of(stored), std::string(9000, 'p'));
      batch.append(Family::property, key_of(stored % 5), std::string(100, 'h'));
    }
    CAVEAT_TRY(backend->write(batch, durability));
    ++stored;
    return {};
  }
  // The vector memtable sorts anew for each read of it, so through an iterator.
  void count_rows() {
    std::uint64_t next = 0;
    const auto it = must(backend->iterate(Family::delta, nullptr, false));
    for (it->seek_to_first(); it->valid() && next < stored; it->next(), ++next) {
      if (it->key() != key_of(next)) FAIL("row " << next << " of " << stored);
    }
    must(it->status());
    CHECK(next == stored);
  }
  [[nodiscard]] bool writes_again() {
    // RocksDB looks every five seconds.
    for (int i = 0; i < 150; ++i) {
      if (write()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
};

void check_no_space(const StorageError& error, const World& world) {
  INFO(error.message());
  CHECK(error.code() == ErrorCode::no_space);
  CHECK(error.message().find((world.scratch.path() / "store").string()) == 0);
  CHECK(error.message().find("disk is full") != std::string::npos);
}

}  // namespace

TEST_CASE("a disk that fills up at any point fails writes, and nothing else") {
  int round = 0;
  for (std::int64_t room = 30'000; room < 6'000'000; room += room / 2, ++round) {
    World world(room);
    if (const auto opened = world.open(); !opened) {
      CHECK(opened.error().code() == ErrorCode::no_space);
      world.disk->set_room(kPlenty);
      must(world.open());
    }
    INFO("room for " << room << " bytes");
    int refused = 0;
    while (refused < 20 && world.attempts < 20'000) {
      const auto written =
          world.write(world.attempts % 97 == 0 ? Durability::fsync : Durability::wal);
      if (written) continue;
      ++refused;
      check_no_space(written.error(), world);
      CHECK_FALSE(world.backend->flush().has_value());
      if (refused % 10 == 0) world.count_rows();
    }
    INFO(world.stored << " rows stored");
    if (round % 5 != 4) {  // closed while full
      static_cast<void>(world.backend->close());
      world.backend.reset();
      world.disk->set_room(kPlenty);
      must(world.open());
      world.count_rows();
    }
    world.disk->set_room(kPlenty);
    REQUIRE(world.writes_again());
    for (int i = 0; i < 100; ++i) must(world.write());
    must(world.backend->flush());
    world.count_rows();
    must(world.backend->close());
    must(world.open());
    world.count_rows();
  }
}

// RocksDB would go on with the log whose writer is in error, and abort at the next write.
TEST_CASE("writes resume also if the very first one found the disk full") {
  for (const bool more : {false, true}) {
    World world(kPlenty);
    must(world.open());
    must(world.backend->close());
    must(world.open());
    if (more) {
      for (int i = 0; i < 100; ++i) must(world.write());
      for (const Family family : kFamilies) must(world.backend->compact(family, {}));
    }
    world.disk->set_room(300);
    for (int i = 0; i < 3; ++i) check_no_space(must_fail(world.write()), world);
    CHECK(must_fail(world.backend->flush()).code() == ErrorCode::no_space);
    world.disk->set_room(kPlenty);
    REQUIRE(world.writes_again());
    must(world.backend->flush());
    for (int i = 0; i < 50; ++i) must(world.write());
    world.count_rows();
    must(world.backend->close());
    must(world.open());
    world.count_rows();
  }
}

TEST_CASE("several threads that write to a full disk all get an answer", "[threads]") {
  World world(2'000'000);
  must(world.open());
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 1500; ++i) {
        KvBatch batch;
        batch.put(t == 0 ? Family::delta : Family::primary, key_of(t * 100'000 + i),
                  std::string(2000, 'x'));
        static_cast<void>(world.backend->write(batch, Durability::wal));
        if (i % 100 == 0) static_cast<void>(world.backend->flush());
      }
      ++answered;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 3);
  CHECK(world.disk->refused() > 0);
  world.disk->set_room(kPlenty);
  CHECK(world.writes_again());
  must(world.backend->close());
}

TEST_CASE("warnings find no room either") {
  World world(400'000);
  must(world.open());
  while (world.write()) {
  }
  const auto log = world.scratch.path() / "store" / "LOG";
  CHECK(std::filesystem::exists(log));
  CHECK(std::filesystem::file_size(log) < (std::size_t{1} << 20) + 4000);
}

#endif  // CAVEAT_TEST_TSAN
