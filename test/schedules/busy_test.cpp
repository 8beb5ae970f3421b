// The store that everybody uses at once (test/engine/busy_store.h) is worth what it catches.
#include "test/engine/busy_store.h"
#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

// What a second of everything at once finds wrong.
std::vector<std::string> faults_of_a_busy_second(std::initializer_list<Fault> planted) {
  const Director director(planted);
  Options options;
  options.partition_records = 32;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 64 << 10;
  BusyStore busy(Backend::memory, options);
  std::vector<std::thread> threads;
  threads.emplace_back([&] { busy.write_singles(0); });
  threads.emplace_back([&] { busy.count_up(0); });
  threads.emplace_back([&] { busy.count_up(1); });
  threads.emplace_back([&] { busy.maintain(); });
  // Until something is found, where something has to be: on a machine that is busy that takes long.
  const int tenths = planted.size() == 0 ? 20 : 800;
  for (int i = 0; i < tenths && busy.faults_seen() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  busy.stop();
  for (auto& thread : threads) thread.join();
  busy.check_end();
  return busy.faults();
}

}  // namespace

TEST_CASE("everything at once finds planted faults, and nothing where there are none",
          "[schedule][planted][threads]") {
  CHECK(faults_of_a_busy_second({}).empty());
  if (kRacesAreReported) return;
  CHECK_FALSE(faults_of_a_busy_second({Fault::fold_forgets_filter}).empty());
  CHECK_FALSE(faults_of_a_busy_second({Fault::checked_write_sees_no_change}).empty());
}

}  // namespace caveat::test
