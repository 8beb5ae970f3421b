// The store that everybody uses at once (test/engine/busy_store.h) is worth what it catches.
#include "test/engine/busy_store.h"
#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

// What two seconds of everything at once find wrong, or the first fault.
std::vector<std::string> faults_of_a_busy_moment(std::initializer_list<Fault> planted) {
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
  for (int tenths = 0; tenths < 20 && busy.faults_seen() == 0; ++tenths) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  busy.stop();
  for (auto& thread : threads) thread.join();
  busy.check_end();
  return busy.faults();
}

// One that hides from a store hides from it for long, when its few keys have all been there: so
// another store, and another, until one shows it.
bool is_caught(Fault planted) {
  for (int tries = 0; tries < 40; ++tries) {
    if (!faults_of_a_busy_moment({planted}).empty()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("everything at once finds planted faults, and nothing where there are none",
          "[schedule][planted][threads]") {
  CHECK(faults_of_a_busy_moment({}).empty());
  if (kRacesAreReported) return;
  CHECK(is_caught(Fault::fold_forgets_filter));
  CHECK(is_caught(Fault::checked_write_sees_no_change));
}

}  // namespace caveat::test
