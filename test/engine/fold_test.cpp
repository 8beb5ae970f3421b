// Folds of many windows, one being committed while the next is encoded; and when one begins.
#include <fmt/format.h>
#include <sched.h>

#include "engine/maintenance/fold_policy.h"
#include "engine/store/delta_room.h"
#include "engine/store/write_pacer.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");
constexpr NodeId kNodes = kSanitized ? 24'000 : 40'000;

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  exception.reason = "round " + std::to_string(node % 3);
  exception.created_at = static_cast<std::int64_t>(node) * 100'000'000'000;  // a hint of its own
  return exception;
}

// Windows are smallest with the smallest budget.
Options small_windows() {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = options.memory_budget_bytes / 2;
  options.cache_bytes = options.memory_budget_bytes / 8;
  options.partition_records = 32;
  options.background_maintenance = false;
  return options;
}

void require_whole(StorageOptimizer& store, NodeId step) {
  REQUIRE(value_of(store.count({})) == kNodes / step);
  for (NodeId node = 0; node < kNodes; node += 11 * step) {
    REQUIRE(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
  const auto verified = value_of(store.verify());
  for (const auto& error : verified.errors) UNSCOPED_INFO(error);
  REQUIRE(verified.errors.empty());
}

}  // namespace

TEST_CASE("a crash between any two writes of a fold loses nothing", "[fold][crash]") {
  const auto memory = shared_memory_backend();
  const auto images = std::make_shared<KeepsImages::Images>();
  auto store = value_of(
      StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), small_windows()));
  // Into an empty store, then into that.
  for (const NodeId step : {2, 1}) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; node += step) {
      records.push_back({{node, kProperty}, exception_of(node)});
    }
    value_of(store.bulk_store(records));
    images->after.clear();
    images->keep = true;
    value_of(store.flush());
    images->keep = false;
    REQUIRE(images->after.size() > 3);
    for (std::size_t i = 0; i < images->after.size();
         i += 1 + images->after.size() / (kSanitized ? 3 : 10)) {
      INFO("after write " << i << " of " << images->after.size());
      auto crashed = value_of(StorageOptimizer::open(
          std::make_unique<BackendDouble>(images->after[i]), small_windows()));
      require_whole(crashed, step);
    }
    require_whole(store, step);
  }
}

// As where nodes are numbered when they come. It was one job of all of them, on one thread.
TEST_CASE("many rows behind a partition's last are cut as those of an empty store",
          "[fold][crash][regression]") {
  for (const NodeId tail : {0, 100}) {  // behind the last partition, and between two
    const auto memory = shared_memory_backend();
    const auto images = std::make_shared<KeepsImages::Images>();
    auto store = value_of(
        StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), small_windows()));
    store_nodes(store, kProperty, 0, 100, exception_of);
    store_nodes(store, kProperty, kNodes - tail, kNodes, exception_of);
    value_of(store.flush());
    const std::uint64_t before = store.estimate_storage_statistics().rewrites;
    images->keep = true;
    store_nodes(store, kProperty, 100, kNodes - tail, exception_of);
    value_of(store.flush());
    images->keep = false;
    CHECK(store.estimate_storage_statistics().rewrites - before > kNodes / (5 * 32));
    require_whole(store, 1);
    REQUIRE(images->after.size() > 10);
    for (std::size_t i = images->after.size() / 2; i < images->after.size();
         i += 1 + images->after.size() / 8) {
      auto crashed = value_of(StorageOptimizer::open(
          std::make_unique<BackendDouble>(images->after[i]), small_windows()));
      const auto verified = value_of(crashed.verify());
      for (const auto& error : verified.errors) UNSCOPED_INFO(error);
      CHECK(verified.errors.empty());
      store_nodes(crashed, kProperty, 0, kNodes, exception_of);  // what came after the image
      value_of(crashed.flush());
      require_whole(crashed, 1);
    }
  }
}

TEST_CASE("rows are cut behind a partition's last, also where one of them replaces it", "[fold]") {
  auto store = value_of(StorageOptimizer::open(
      std::make_unique<BackendDouble>(shared_memory_backend()), small_windows()));
  constexpr NodeId kSlice = 4 * 32;  // so many rows are one job
  Exception before = exception_of(1);
  before.reason = "what the fold replaces";
  const auto older = [&](NodeId) { return before; };
  store_nodes(store, kProperty, 0, 10, older);
  store_nodes(store, kProperty, kSlice, kSlice + 1, older);
  value_of(store.flush());
  REQUIRE(value_of(store.get_storage_statistics()).partitions == 1);
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  value_of(store.flush());
  require_whole(store, 1);
  for (NodeId node = kSlice - 2; node < kSlice + 3; ++node) {
    CHECK(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
}

TEST_CASE("the first fold of an empty store makes full partitions", "[fold]") {
  auto store = value_of(StorageOptimizer::open(
      std::make_unique<BackendDouble>(shared_memory_backend()), small_windows()));
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  const auto statistics = value_of(store.get_storage_statistics());
  CHECK(statistics.partitions >= kNodes / 32);
  CHECK(statistics.partitions <= kNodes / 32 * 11 / 10);
}

TEST_CASE("a fold begins early where that costs little, and late where it rewrites the store",
          "[fold]") {
  const FoldBacklog half{.bytes = 50, .most = 100, .rows = 50'000, .batches = 5, .stored = 0};
  CHECK(!fold_is_due(half));  // a bulk load
  const auto with = [&](auto FoldBacklog::*field, std::size_t value) {
    FoldBacklog changed = half;
    changed.*field = value;
    return fold_is_due(changed);
  };
  CHECK(with(&FoldBacklog::batches, 50));        // of a thousand rows each: no bulk load
  CHECK(with(&FoldBacklog::bytes, 101));         // writers wait
  CHECK(with(&FoldBacklog::stored, 1'000'000));  // few rows for each partition
  CHECK(!with(&FoldBacklog::stored, 100'000));   // each partition gets many
  CHECK(!with(&FoldBacklog::bytes, 49));
  FoldBacklog few = half;
  few.bytes = 49;
  few.batches = 50'000;
  CHECK(!fold_is_due(few));
}

namespace {

class StoppedClock final : public Clock {
 public:
  std::int64_t now_ns() const noexcept override { return 1; }
};

// All that is stored after two loads by a store whose threads may use so many processors.
std::vector<std::string> stored_with(int processors) {
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof(before), &before) == 0);
  cpu_set_t fewer;
  CPU_ZERO(&fewer);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&fewer) < processors; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &fewer);
  }
  REQUIRE(::sched_setaffinity(0, sizeof(fewer), &fewer) == 0);
  const auto memory = shared_memory_backend();
  Options options = small_windows();
  options.memory_budget_bytes = 4 * kMemoryBudgetMin;
  const StoppedClock clock;
  options.clock = &clock;
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  for (const NodeId step : {3, 2}) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes / 2; node += step) {
      records.push_back({{node, kProperty}, exception_of(node)});
    }
    value_of(store.bulk_store(records));
    value_of(store.flush());
  }
  value_of(store.optimize_storage());
  value_of(store.close());
  REQUIRE(::sched_setaffinity(0, sizeof(before), &before) == 0);
  std::vector<std::string> stored;
  for (const Family family : kFamilies) {
    auto it = value_of(memory->iterate(family, nullptr, false));
    for (it->seek_to_first(); it->valid(); it->next()) {
      std::string entry(to_string(family));
      for (const std::string_view part : {it->key(), it->value()}) {
        entry += ' ';
        for (const char c : part) entry += fmt::format("{:02x}", static_cast<unsigned char>(c));
      }
      stored.push_back(std::move(entry));
    }
  }
  return stored;
}

}  // namespace

TEST_CASE("what a fold writes does not depend on the number of its threads", "[fold][threads]") {
  const auto alone = stored_with(1);
  CHECK(alone.size() > 100);  // fewer records where checks make everything slow
  const auto together = stored_with(2);
  REQUIRE(together.size() == alone.size());
  for (std::size_t i = 0; i < alone.size(); ++i) REQUIRE(together[i] == alone[i]);
}

// Writes of 32 rows and 6,400 bytes, `each_ns` after the last or as the pacer says, for a fold of
// half a second.
struct Paced {
  std::int64_t longest_pause = 0;
  std::size_t room_left = 10'000'000;
};
constexpr std::int64_t kSecond = 1'000'000'000;
Paced write_beside_a_fold(WritePacer& pacer, std::int64_t begun, std::int64_t each_ns) {
  constexpr std::size_t kBytes = 6'400;
  Paced paced;
  pacer.begun(100'000, begun);
  for (std::int64_t now = begun; now < begun + kSecond / 2 && paced.room_left > kBytes;) {
    const std::int64_t pause = pacer.pause(kBytes, paced.room_left, now);
    paced.longest_pause = std::max(paced.longest_pause, pause);
    now += pause + each_ns;
    paced.room_left -= kBytes;
  }
  return paced;
}

TEST_CASE("writers that are faster than a fold wait often and shortly, others not at all",
          "[fold]") {
  WritePacer pacer;
  const Paced fast = write_beside_a_fold(pacer, 0, 10'000);  // at first 5 us a row are thought
  REQUIRE(pacer.folding());
  CHECK(fast.longest_pause > 0);
  CHECK(fast.longest_pause <= WritePacer::kPauseMax);
  CHECK(fast.room_left > 10'000);     // nobody had to wait for its end
  CHECK(fast.room_left < 3'000'000);  // and most of the room was used
  pacer.ended(kSecond / 2, true);
  CHECK_FALSE(pacer.folding());

  CHECK(write_beside_a_fold(pacer, kSecond, 1'000'000).longest_pause == 0);
  pacer.ended(6 * kSecond, true);  // ten times as long as was thought

  CHECK(write_beside_a_fold(pacer, 10 * kSecond, 10'000).room_left > fast.room_left * 2);
  // Half of it is done already: then so is half of its time.
  pacer.progressed(50'000, 100'000, 10 * kSecond + kSecond / 2);
  CHECK(pacer.pause(10'000, 100'000, 10 * kSecond + kSecond / 2) > WritePacer::kPauseMin);
  CHECK(pacer.pause(10'000, 10'000'000, 11 * kSecond) == 0);
  pacer.ended(10 * kSecond + 1, false);  // one that failed teaches nothing
  CHECK(write_beside_a_fold(pacer, 20 * kSecond, 10'000).room_left > fast.room_left * 2);
}

TEST_CASE("the room that writers are paced by falls evenly until they have to wait",
          "[fold][regression]") {
  constexpr std::size_t kRow = 100, kTables = 100'000, kChunk = 10'000;  // tables: half of it all
  for (const std::size_t sealed_max : {400'000, 500'000, 599'900, 600'000, 790'000}) {
    for (const std::size_t rows_of_last : {900, 1000, 1100}) {  // shorter and longer ones now
      DeltaRoom room;
      room.sealed_max = sealed_max;
      room.generation = 200'000;
      room.expected_rows = rows_of_last;
      room.sealed = 2 * room.generation;
      std::size_t most_at_once = 0;
      std::size_t written = 0;
      std::size_t before = room.left();
      const std::size_t at_first = before;
      while (before > 0) {  // as CommitQueue seals and waits
        ++written;
        ++room.active_rows;
        room.active_bytes = room.active_rows * kRow / kChunk * kChunk + kChunk;
        if (room.active_rows > 1000 / 8) room.active_bytes += kTables;
        if (room.active_bytes > room.generation) {
          room.sealed += DeltaRoom::sealed_bytes(room.active_bytes, room.generation, kChunk);
          room.active_bytes = room.active_rows = 0;
        }
        const std::size_t now = room.left();
        if (now < before) most_at_once = std::max(most_at_once, before - now);
        before = now;
      }
      INFO(sealed_max << ", " << rows_of_last);
      CHECK(most_at_once <= room.generation / 8);  // what left_to_share() holds back
      const double share = static_cast<double>(at_first) / static_cast<double>(room.generation);
      CHECK(static_cast<double>(written) > share * 1000 * 0.8);
      CHECK(static_cast<double>(written) < share * 1000 * 1.2);
    }
  }
}

TEST_CASE("writers that find next to no room slow down rather than use it up",
          "[fold][regression]") {
  // A fold of which all was thought to be over long ago, and room for a thousand rows.
  WritePacer pacer;
  pacer.begun(1'000, 0);
  constexpr std::size_t kBytes = 200;
  std::size_t room = 1'000 * kBytes;
  std::size_t unpaced = 0;
  for (std::int64_t now = 2 * kSecond; now < 3 * kSecond; now += 3'000) {
    REQUIRE(room > kBytes);
    room -= kBytes;
    if (++unpaced < 32 && !pacer.in_debt(now)) continue;
    const std::int64_t pause = pacer.pause(unpaced * kBytes, room, now);
    REQUIRE(pause <= WritePacer::kPauseMax);
    now += pause;
    unpaced = 0;
  }
  // The next fold begins without what was owed in this one.
  pacer.begun(1'000, 4 * kSecond);
  CHECK_FALSE(pacer.in_debt(4 * kSecond));
}

}  // namespace caveat::test
