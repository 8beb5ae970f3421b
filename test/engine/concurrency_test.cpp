// Everything at once for a while: writers of all kinds, readers of all kinds, maintenance.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "test/engine/busy_store.h"

namespace caveat::test {

namespace {

// CAVEAT_BUSY_MS makes it longer.
std::chrono::milliseconds duration() {
  const char* text = std::getenv("CAVEAT_BUSY_MS");
  return std::chrono::milliseconds(text == nullptr ? 2500 : std::atoi(text));
}

// In the campaign as many more as are about as long.
int rounds(int otherwise) {
  return std::getenv("CAVEAT_BUSY_MS") == nullptr ? otherwise
                                                  : static_cast<int>(duration().count() / 400);
}

Options busy_options() {
  Options options;
  options.partition_records = 32;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 64 << 10;  // so that folds go on all the time
  return options;
}

void run(Backend backend, const Options& options) {
  BusyStore busy(backend, options);
  constexpr std::uint64_t kBatchWriters = 2;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kBatchWriters; ++i) {
    threads.emplace_back([&, i] { busy.write_singles(i); });
    threads.emplace_back([&, i] { busy.write_batches(i); });
    threads.emplace_back([&, i] { busy.count_up(i); });
  }
  threads.emplace_back([&] { busy.write_bulks(); });
  threads.emplace_back([&] { busy.read_points(7); });
  threads.emplace_back([&] { busy.scan_batches(kBatchWriters); });
  threads.emplace_back([&] { busy.hold_snapshots(); });
  threads.emplace_back([&] { busy.maintain(); });
  const ScratchDirectory backups;
  if (backend == Backend::rocksdb) {
    threads.emplace_back([&] { busy.back_up(backups.path(), options); });
  }
  std::this_thread::sleep_for(duration());
  busy.stop();
  for (auto& thread : threads) thread.join();
  busy.check_end();
  for (const auto& fault : busy.faults()) UNSCOPED_INFO(fault);
  std::printf("%s, %zu wrong:", name_of(backend).c_str(), busy.faults().size());
  for (const auto& [what, times] : busy.done()) {
    std::printf(" %llu %s;", static_cast<unsigned long long>(times), what.c_str());
  }
  std::printf(" repeat with CAVEAT_SEED=%llu\n", static_cast<unsigned long long>(busy.seed()));
  std::fflush(stdout);
  REQUIRE(busy.faults().empty());
  for (const auto& [what, times] : busy.done()) {
    INFO(what);
    CHECK(times > 0);
  }
}

// Whoever comes late is told so; nobody falls over.
void close_while_used(Backend backend, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    TestStore opened(backend, busy_options());
    StorageOptimizer& store = *opened;
    const ScratchDirectory backups;
    std::atomic<bool> closed{false};
    std::atomic<int> others{0};  // errors that are not `closed`
    const auto use = [&](const auto& call) {
      for (NodeId i = 0; !closed || i < 50; ++i) {
        const auto result = call(ExceptionKey{i % 100, hash_property("p")});
        if (!result && result.error().code() != ErrorCode::closed) ++others;
      }
    };
    std::vector<std::thread> threads;
    threads.emplace_back([&] { use([&](const auto& k) { return store.store_exception(k, {}); }); });
    threads.emplace_back([&] {
      use([&](const auto& k) -> Result<bool> {
        if (k.node_id % 2 == 0) return store.erase_exception(k);
        CAVEAT_ASSIGN(const auto was, store.take_exception(k));
        return was.has_value();
      });
    });
    threads.emplace_back([&] { use([&](const auto& k) { return store.retrieve_view(k); }); });
    threads.emplace_back(
        [&] { use([&](const auto& k) { return store.query_by_node(k.node_id); }); });
    threads.emplace_back([&] { use([&](const auto&) { return store.optimize_storage(); }); });
    threads.emplace_back([&] { use([&](const auto&) { return store.rebuild_indexes(); }); });
    threads.emplace_back([&] { use([&](const auto&) { return store.get_storage_statistics(); }); });
    if (backend == Backend::rocksdb) {
      threads.emplace_back([&] { use([&](const auto&) { return store.compact_storage(); }); });
      threads.emplace_back([&] {
        use([&](const auto&) {
          return create_backup(store, backups.path() / "backups", BackupOptions{1, false, nullptr});
        });
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * (round % 50)));
    while (!store.close()) std::this_thread::yield();
    closed = true;
    for (auto& thread : threads) thread.join();
    CHECK(others == 0);
  }
  std::printf("%s: closed %d times among all calls\n", name_of(backend).c_str(), rounds);
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("all calls at once keep their promises", "[threads]") {
  run(Backend::memory, busy_options());
}

TEST_CASE("all calls at once, folded by the writers themselves", "[threads]") {
  Options options = busy_options();
  options.background_maintenance = false;
  run(Backend::memory, options);
}

TEST_CASE("all calls at once keep their promises on rocksdb", "[threads]") {
  run(Backend::rocksdb, busy_options());
}

TEST_CASE("a store may be closed while others use it", "[threads]") {
  close_while_used(Backend::memory, rounds(5));
}

TEST_CASE("a store on rocksdb may be closed while others use it and back it up", "[threads]") {
  close_while_used(Backend::rocksdb, rounds(3));
}

}  // namespace caveat::test
