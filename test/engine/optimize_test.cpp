// What optimize_storage says of itself: sizes that statistics say as well, now and after the next
// open, and each partition that it could not read.
#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>

#include "engine/model/bytes.h"
#include "engine/store/engine.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");
constexpr CodecId kMine = 201;

Exception numbered(NodeId node, int version) {
  Exception exception;
  exception.inherited_value = std::string(50, 'i');
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  exception.reason = "reason " + std::to_string(node * node) + std::string(40, 'r');
  exception.confidence = static_cast<float>((node * 37 + static_cast<NodeId>(version)) % 101) / 100;
  exception.created_at = static_cast<std::int64_t>((node * 7919) % 4001) * 1'000'000'000;
  return exception;
}

std::uint64_t stored_bytes(StorageOptimizer& store) {
  std::uint64_t sum = 0;
  for (const auto& index : value_of(store.get_storage_statistics()).indexes) sum += index.bytes;
  return sum;
}

// What the host is told, from whatever thread.
class Told {
 public:
  void listen(Options& options) {
    options.on_background_error = [this](const StorageError& error) {
      const std::lock_guard lock(mutex_);
      errors_.push_back(error);
    };
  }
  [[nodiscard]] std::vector<StorageError> errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<StorageError> errors_;
};

Options small_partitions(Told& told, bool in_background) {
  Options options;
  options.partition_records = 16;
  options.background_maintenance = in_background;
  told.listen(options);
  return options;
}

// Changes a bit in the middle of a container; the nodes that it begins with.
std::vector<NodeId> damage_partitions(KvBackend& backend, const std::set<std::size_t>& places) {
  std::vector<NodeId> nodes;
  KvBatch batch;
  auto it = value_of(backend.iterate(Family::primary, nullptr, false));
  std::size_t at = 0;
  for (it->seek_to_first(); it->valid(); it->next(), ++at) {
    if (!places.contains(at)) continue;
    std::string damaged(it->value());
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
    batch.put(Family::primary, it->key(), damaged);
    nodes.push_back(__builtin_bswap64(get_fixed<std::uint64_t>(it->key(), 0)));
  }
  it.reset();
  value_of(backend.write(batch, Durability::wal));
  return nodes;
}

// The host's own: lz4 under another number.
class MyCodec final : public CustomCompressor {
 public:
  std::string_view name() const noexcept override { return "mine"; }
  Result<void> compress(std::string_view raw, const CompressionDictionary*,
                        std::string& out) const override {
    CAVEAT_ASSIGN(const Codec* lz4, registry_.find(static_cast<CodecId>(1)));
    return lz4->compress(raw, nullptr, out);
  }
  Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                          std::span<char> out) const override {
    CAVEAT_ASSIGN(const Codec* lz4, registry_.find(static_cast<CodecId>(1)));
    return lz4->decompress(stored, nullptr, out);
  }

 private:
  CodecRegistry registry_ = CodecRegistry::built_in(3);
};

// Where one thread stays until another lets it go.
class Halt {
 public:
  void stay() {
    reached_.set_value();
    leave_.get_future().wait();
  }
  void wait_until_reached() { reached_.get_future().wait(); }
  void let_go() { leave_.set_value(); }

 private:
  std::promise<void> reached_;
  std::promise<void> leave_;
};

// Keeps the call at a stage, or stops it there.
class AtStage final : public ProgressSink {
 public:
  explicit AtStage(std::string stage, Halt* halt = nullptr)
      : stage_(std::move(stage)), halt_(halt) {}
  [[nodiscard]] bool on_progress(const Progress& progress) override {
    if (progress.stage != stage_) return true;
    if (halt_ == nullptr) return false;
    stage_.clear();
    halt_->stay();
    return true;
  }

 private:
  std::string stage_;
  Halt* const halt_;
};

// Keeps the next that has read a container, and not yet opened it.
class HaltsARead final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    auto found = BackendDouble::get(family, key, snapshot, value);
    if (family == Family::primary) {
      if (Halt* const halt = next.exchange(nullptr)) halt->stay();
    }
    return found;
  }
  std::atomic<Halt*> next{nullptr};
};

}  // namespace

// Side by side each dropped the dictionary that the other one's blocks named.
TEST_CASE("a second optimize_storage waits for the first, and may be stopped meanwhile",
          "[optimize][threads]") {
  Told told;
  Options options = small_partitions(told, false);
  options.dictionary_bytes = 4096;
  TestStore store(Backend::memory, options);
  store_nodes(*store, kProperty, 0, 500, [](NodeId node) { return numbered(node, 0); });
  Halt halt;
  AtStage merging("merge indexes", &halt);
  auto first = std::async(std::launch::async, [&] { return store->optimize_storage(&merging); });
  halt.wait_until_reached();
  AtStage impatient("wait");
  const auto stopped = store->optimize_storage(&impatient);
  auto second = std::async(std::launch::async, [&] { return store->optimize_storage(); });
  halt.let_go();
  value_of(first.get());
  value_of(second.get());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == ErrorCode::cancelled);
  CHECK(value_of(store->verify()).sound());
}

// It holds no view, only a pin, and its block was "corrupt": the dictionary was gone.
TEST_CASE("a point read that is under way keeps the dictionary of its block",
          "[optimize][threads]") {
  Told told;
  Options options = small_partitions(told, false);
  options.dictionary_bytes = 4096;
  options.cache_bytes = 1;
  auto backend = std::make_unique<HaltsARead>(shared_memory_backend());
  auto& reads = backend->next;
  auto store = value_of(StorageOptimizer::open(std::move(backend), options));
  store_nodes(store, kProperty, 0, 500, [](NodeId node) { return numbered(node, 0); });
  REQUIRE(value_of(store.optimize_storage()).dictionaries_trained == 1);
  Halt halt;
  reads = &halt;
  auto read = std::async(std::launch::async, [&] {
    return store.retrieve_exception({7, kProperty});
  });
  halt.wait_until_reached();
  const auto done = store.optimize_storage();
  const auto kept = store.estimate_storage_statistics().dictionaries;
  halt.let_go();
  const auto there = value_of(read.get());
  CHECK(there == numbered(7, 0));
  CHECK(value_of(done).dictionaries_trained == 1);
  CHECK(kept == 2);
  // Nobody needs it any more: the next fold drops it.
  value_of(store.store_exception({7, kProperty}, numbered(7, 1)));
  value_of(store.flush());
  CHECK(store.estimate_storage_statistics().dictionaries == 1);
  CHECK(value_of(store.verify()).sound());
}

// The sizes afterwards were read through the snapshot of before the indexes were merged.
TEST_CASE("optimize_storage gives the sizes that statistics and the next open give", "[optimize]") {
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  INFO(name_of(backend));
  Options options;
  options.partition_records = 64;
  options.background_maintenance = false;
  TestStore store(backend, options);
  for (int version = 0; version < 6; ++version) {  // indexes get a segment each time
    store_nodes(*store, kProperty, 0, 6'000,
                [&](NodeId node) { return numbered(node, version * 17); });
    value_of(store->flush());
  }
  const auto before = stored_bytes(*store);
  const auto first = value_of(store->optimize_storage());
  CHECK(first.bytes_before == before);
  CHECK(first.bytes_after < first.bytes_before);
  CHECK(first.memory_saved == first.bytes_before - first.bytes_after);
  for (const double ratio : {first.compression_ratio_before, first.compression_ratio_after}) {
    CHECK(ratio > 0.5);
    CHECK(ratio < 100);
  }
  CHECK(first.bytes_after == stored_bytes(*store));
  store.reopen();
  CHECK(first.bytes_after == stored_bytes(*store));
  const auto second = value_of(store->optimize_storage());
  CHECK(second.bytes_before == first.bytes_after);
  CHECK(second.bytes_after <= second.bytes_before + second.bytes_before / 50);
}

// The same in the background: statistics went on counting what was merged since.
TEST_CASE("statistics count indexes as maintenance has merged them", "[optimize]") {
  Options options;
  options.background_maintenance = false;
  TestStore store(Backend::rocksdb, options);
  for (NodeId begin = 0; begin < 20'000; begin += 1'000) {  // indexes get a segment each time
    store_nodes(*store, kProperty, begin, begin + 1'000,
                [](NodeId node) { return numbered(node, 0); });
    value_of(store->flush());
  }
  const auto before = stored_bytes(*store);
  Engine& engine = store->engine();
  value_of(engine.core().indexes->queue_all());
  while (value_of(engine.mutator().rewrite_index_container())) {
  }
  const auto merged = stored_bytes(*store);
  CHECK(merged < before);
  store.reopen();
  CHECK(stored_bytes(*store) == merged);
}

// It called itself done, and the next write of anything else failed for what it had met.
TEST_CASE("optimize_storage counts the partitions that it cannot read, and fails no write",
          "[optimize]") {
  Told told;
  const Options options = small_partitions(told, GENERATE(false, true));
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
    store_nodes(store, kProperty, 0, 1'000, [](NodeId node) { return numbered(node, 0); });
    value_of(store.close());
  }
  const auto nodes = damage_partitions(*memory, {3, 5, 40});
  REQUIRE(nodes.size() == 3);
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  for (int round = 0; round < 2; ++round) {
    const auto before = store.estimate_storage_statistics().partitions;
    const auto done = value_of(store.optimize_storage());
    CHECK(done.partitions_skipped == 3);
    // Neighbours are rewritten all the same.
    CHECK(done.partitions_rewritten == before - 3);
    REQUIRE(done.first_error);
    CHECK(done.first_error->code() == ErrorCode::corruption);
    CHECK_THAT(done.first_error->message(),
               Catch::Contains("primary node " + std::to_string(nodes[0])));
    value_of(store.store_exception({5'000 + static_cast<NodeId>(round), kProperty}, {}));
    value_of(store.flush());
  }
  for (const NodeId node : nodes) {
    const auto named = [&](const StorageError& error) {
      return error.message().starts_with("primary node " + std::to_string(node) + " ");
    };
    const auto errors = told.errors();
    CHECK(std::any_of(errors.begin(), errors.end(), named));
  }
  CHECK(store.estimate_storage_statistics().background_errors >= 3);
  CHECK(store.compact_storage().has_value());
  CHECK_FALSE(store.rebuild_indexes().has_value());  // this one needs all of them
  value_of(store.store_exception({6'000, kProperty}, {}));
}

TEST_CASE("optimize_storage names a codec that is not registered, and fails no write",
          "[optimize]") {
  Options options;
  options.compression = CompressionAlgorithm::Custom;
  options.custom_codec_id = kMine;
  options.custom_codecs.emplace_back(kMine, std::make_shared<MyCodec>());
  options.background_maintenance = false;
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
    store_nodes(store, kProperty, 0, 2'000, [](NodeId node) { return numbered(node, 0); });
    value_of(store.close());
  }
  Options without = options;
  without.compression = CompressionAlgorithm::Zstd;
  without.custom_codecs.clear();
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), without));
  const auto done = value_of(store.optimize_storage());
  CHECK(done.partitions_rewritten == 0);
  CHECK(done.partitions_skipped == store.estimate_storage_statistics().partitions);
  REQUIRE(done.first_error);
  CHECK(done.first_error->code() == ErrorCode::codec_missing);
  value_of(store.store_exception({5'000, kProperty}, {}));
}

// Maintenance in the background refused the next write, of whatever key.
TEST_CASE("a partition that a fold cannot read is told, and fails no write", "[optimize]") {
  Told told;
  const Options options = small_partitions(told, GENERATE(false, true));
  const auto memory = shared_memory_backend();
  {
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
    store_nodes(store, kProperty, 0, 400, [](NodeId node) { return numbered(node, 0); });
    value_of(store.close());
  }
  const auto nodes = damage_partitions(*memory, {4});
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  for (int round = 1; round <= 3; ++round) {
    store_nodes(store, kProperty, nodes[0], nodes[0] + 10,
                [&](NodeId node) { return numbered(node, round); });
    value_of(store.flush());
    value_of(store.store_exception({7'000 + static_cast<NodeId>(round), kProperty}, {}));
  }
  const auto errors = told.errors();
  REQUIRE_FALSE(errors.empty());
  for (const auto& error : errors) CHECK(error.code() == ErrorCode::corruption);
}

}  // namespace caveat::test
