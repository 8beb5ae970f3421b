// A full disk: writes fail and say why, reads go on, and writes resume when there is room.
#include <sys/mount.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "engine/maintenance/metrics_file.h"
#include "test/support/backend_double.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

// Refuses writes while the disk is "full": all of them, or only those of the fold.
class FullDisk final : public BackendDouble {
 public:
  enum class State { roomy, full, no_room_for_folds };

  FullDisk(std::shared_ptr<KvBackend> inner, std::shared_ptr<std::atomic<State>> state)
      : BackendDouble(std::move(inner)), state_(std::move(state)) {}

  Result<void> write(const KvBatch& batch, Durability durability) override {
    const State state = *state_;
    const bool logs = !batch.empty() && batch.entry(0).family == Family::delta &&
                      batch.entry(0).op == KvBatch::Op::put;
    if (state == State::full || (state == State::no_room_for_folds && !logs)) {
      return fail(ErrorCode::no_space, "meta: no space left on device");
    }
    return BackendDouble::write(batch, durability);
  }

 private:
  std::shared_ptr<std::atomic<State>> state_;
};

using State = FullDisk::State;

struct World {
  std::shared_ptr<KvBackend> memory = shared_memory_backend();
  std::shared_ptr<std::atomic<State>> state = std::make_shared<std::atomic<State>>(State::roomy);
  Options options;
  std::unique_ptr<StorageOptimizer> store;

  explicit World(bool background) {
    options.background_maintenance = background;
    options.memory_budget_bytes = kMemoryBudgetMin;
    options.delta_bytes = 64 << 10;
    open();
  }
  void open() {
    store = std::make_unique<StorageOptimizer>(
        value_of(StorageOptimizer::open(std::make_unique<FullDisk>(memory, state), options)));
  }
};

ExceptionKey key(NodeId node) {
  return {node, hash_property("p")};
}
Exception record(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = std::string(500, 'r');
  return exception;
}

}  // namespace

TEST_CASE("a full disk fails writes alone, and for as long as it is full", "[bad]") {
  World world(false);
  StorageOptimizer& store = *world.store;
  for (NodeId node = 0; node < 100; ++node)
    value_of(store.store_exception(key(node), record(node)));
  *world.state = State::full;
  for (NodeId node = 100; node < 110; ++node) {
    const auto refused = store.store_exception(key(node), record(node));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == ErrorCode::no_space);
    CHECK_FALSE(value_of(store.contains(key(node))));
  }
  CHECK(store.flush().error().code() == ErrorCode::no_space);
  CHECK(store.optimize_storage().error().code() == ErrorCode::no_space);
  CHECK(store.rebuild_indexes().error().code() == ErrorCode::no_space);
  CHECK(store.register_property("new").error().code() == ErrorCode::no_space);
  for (NodeId node = 0; node < 100; ++node) {
    CHECK(value_of(store.retrieve_exception(key(node))) == record(node));
  }
  CHECK(value_of(store.count({})) == 100);
  *world.state = State::roomy;
  for (NodeId node = 100; node < 200; ++node) {
    value_of(store.store_exception(key(node), record(node)));
  }
  value_of(store.flush());
  value_of(store.optimize_storage());
  CHECK(value_of(store.count({})) == 200);
  CHECK(value_of(store.verify()).errors.empty());
  value_of(store.close());
  world.open();
  CHECK(value_of(world.store->count({})) == 200);
}

TEST_CASE("writers that wait for a fold are told that it fails", "[bad][threads]") {
  World world(true);
  StorageOptimizer& store = *world.store;
  *world.state = State::no_room_for_folds;
  // Enough to fill every generation that may wait; without an answer this would never end.
  constexpr int kTellings = 3;  // the first may come before all is full
  std::atomic<int> told{0};
  std::size_t stored_records = 0;
  NodeId next = 0;
  std::thread writer([&] {
    for (; next < 5000 && told < kTellings; ++next) {
      const auto stored = store.store_exception(key(next), record(next));
      if (stored) ++stored_records;
      if (!stored && stored.error().code() == ErrorCode::no_space) ++told;
    }
  });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (told < kTellings && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(told == kTellings);
  CHECK(store.contains(key(0)).has_value());
  *world.state = State::roomy;  // also lets a writer go that nobody told
  writer.join();
  // The fold is tried again by itself. Errors that were reported meanwhile are returned first.
  std::size_t refused = 0;
  for (int i = 0; i < 100 && !store.store_exception(key(9000), record(1)); ++i) ++refused;
  CHECK(refused < 100);
  value_of(store.flush());
  CHECK(value_of(store.count({})) == stored_records + 1);
  CHECK(value_of(store.verify()).errors.empty());
}

// A real disk of a few MiB, where this process may make one.
class SmallMount {
 public:
  explicit SmallMount(std::size_t mib) {
    const std::string size = "size=" + std::to_string(mib) + "m";
    mounted_ = ::mount("tmpfs", path().c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallMount() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallMount(const SmallMount&) = delete;
  SmallMount& operator=(const SmallMount&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }

 private:
  ScratchDirectory directory_;
  bool mounted_ = false;
};

TEST_CASE("a store on a disk that is really full goes on when there is room", "[bad]") {
  for (const std::size_t mib : {5, 9, 14}) {
    SmallMount disk(mib);
    if (!disk.mounted()) {
      WARN("skipped: this process may not mount a tmpfs");
      return;
    }
    INFO("a disk of " << mib << " MiB");
    const auto ballast = disk.path() / "ballast";
    std::ofstream(ballast) << std::string(3 << 20, 'b');
    Options options;
    options.memory_budget_bytes = kMemoryBudgetMin;
    auto store = value_of(StorageOptimizer::open(disk.path() / "store", options));
    NodeId stored = 0;
    std::vector<NodeId> acknowledged;
    int refused = 0;
    for (NodeId node = 0; refused < 10; ++node) {
      const auto written = store.store_exception(key(node), record(node));
      if (written) {
        acknowledged.push_back(node);
        continue;
      }
      ++refused;
      CHECK(written.error().code() == ErrorCode::no_space);
      stored = node;
    }
    CHECK(acknowledged.size() > 1000);
    for (const NodeId node : acknowledged) {
      if (value_of(store.retrieve_exception(key(node))) != record(node)) FAIL("node " << node);
    }
    std::filesystem::remove(ballast);
    bool again = false;
    for (int i = 0; i < 150 && !again; ++i) {
      again = store.store_exception(key(stored), record(stored)).has_value();
      if (!again) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    CHECK(again);
    static_cast<void>(store.close());
    auto reopened = value_of(StorageOptimizer::open(disk.path() / "store", options));
    for (const NodeId node : acknowledged) {
      if (value_of(reopened.retrieve_exception(key(node))) != record(node)) FAIL("node " << node);
    }
    CHECK(value_of(reopened.contains(key(stored))));
    CHECK(value_of(reopened.count({})) >= acknowledged.size());
    static_cast<void>(reopened.close());
  }
}

TEST_CASE("a metrics file on a full disk says what the disk is, and keeps what was there",
          "[bad]") {
  SmallMount disk(1);
  if (!disk.mounted()) {
    WARN("skipped: this process may not mount a tmpfs");
    return;
  }
  const auto path = disk.path() / "metrics";
  const MetricsFile file(path);
  value_of(file.write("before\n"));
  const auto full = file.write(std::string(2 << 20, 'x'));
  REQUIRE_FALSE(full);
  CHECK(full.error().code() == ErrorCode::no_space);
  CHECK_FALSE(std::filesystem::exists(path.string() + ".draft"));
  CHECK(bytes_of(path) == "before\n");
  value_of(file.write("after\n"));
  CHECK(bytes_of(path) == "after\n");
}

}  // namespace caveat::test
