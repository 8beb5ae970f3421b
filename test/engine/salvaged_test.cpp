// A store that was salvaged, whatever of it is missing: it opens for reading, gives what is there,
// and names what is not. (tools/cli has the same on files; here each part is lost by itself.)
#include "caveat/compressed_exception_store.h"
#include "engine/partition/container.h"
#include "engine/store/lost_families.h"
#include "engine/store/salvaged_view.h"
#include "engine/store/superblock.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 300;
const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.created_at = static_cast<std::int64_t>(node);
  return exception;
}

// What a salvage found, here in memory: for reading only.
class SalvagedMemory final : public SalvagedBackend {
 public:
  // `reads`: so many iterators it gives, and then errors.
  explicit SalvagedMemory(std::shared_ptr<KvBackend> inner, int reads = 1 << 30)
      : inner_(std::move(inner)), reads_(reads) {}
  Result<void> write(const KvBatch&, Durability) override { return fail(why()); }
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    return inner_->get(family, key, snapshot, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    return inner_->multi_get(family, keys, snapshot, values, found);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (reads_-- <= 0) return fail(ErrorCode::io_error, "the disk is gone");
    return inner_->iterate(family, snapshot, readahead);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override { return inner_->snapshot(); }
  Result<void> flush() override { return fail(why()); }
  Result<void> compact(Family, const std::function<bool()>&) override { return fail(why()); }
  std::optional<StorageError> read_only() const override { return why(); }
  Result<KvProperties> properties() const override { return inner_->properties(); }
  bool persistent() const noexcept override { return true; }
  void set_observer(KvObserver*) override {}
  Result<void> close() override { return {}; }

 private:
  static StorageError why() { return {ErrorCode::corruption, "salvaged: for reading only"}; }
  std::shared_ptr<KvBackend> inner_;
  int reads_;
};

// Partitions, one of them with a run behind its block, and writes that only the log has.
std::shared_ptr<KvBackend> damaged_store() {
  auto backend = shared_memory_backend();
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  value_of(store.register_property("p"));
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  value_of(store.flush());
  store_nodes(store, kProperty, 0, 1, [](NodeId) { return exception_of(1000); });
  store_nodes(store, kProperty, 100, 101, [](NodeId) { return exception_of(1100); });
  value_of(store.flush());
  store_nodes(store, kProperty, kNodes, kNodes + 5, exception_of);
  return image_of(*backend);
}

struct Salvaged {
  std::shared_ptr<KvBackend> backend = damaged_store();
  std::shared_ptr<std::vector<std::string>> told = std::make_shared<std::vector<std::string>>();

  void change(const std::function<void(KvBatch&)>& to) {
    KvBatch batch;
    to(batch);
    value_of(backend->write(batch, Durability::wal));
  }
  [[nodiscard]] Result<StorageOptimizer> open() const {
    Options options = plain_options();
    options.on_background_error = [to = told](const StorageError& error) {
      to->push_back(error.message());
    };
    return StorageOptimizer::open(std::make_unique<SalvagedMemory>(backend), options);
  }
  [[nodiscard]] bool was_told(std::string_view part) const {
    return std::any_of(told->begin(), told->end(), [&](const std::string& message) {
      return message.find(part) != std::string::npos;
    });
  }
  // The container whose partition begins at or before the node.
  [[nodiscard]] std::pair<std::string, std::string> container_of(NodeId node) const {
    auto it = value_of(backend->iterate(Family::primary, nullptr, false));
    it->seek_for_prev(encode_key({node, kProperty}));
    REQUIRE(it->valid());
    return {std::string(it->key()), std::string(it->value())};
  }
};

void require_rest(StorageOptimizer& store, NodeId from, NodeId to) {
  for (NodeId node = from; node < to; node += 7) {
    REQUIRE(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
  const auto refused = store.store_exception({1, kProperty}, {});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message(), Catch::Contains("for reading only"));
  value_of(store.close());
}

}  // namespace

TEST_CASE("what was salvaged whole is there whole", "[damage]") {
  const Salvaged salvaged;
  auto store = value_of(salvaged.open());
  CHECK(value_of(store.count({})) == kNodes + 5);
  CHECK(value_of(store.query_by_property(kProperty)).size() == kNodes + 5);
  CHECK(value_of(store.query_by_time_range(10, 20)).size() == 11);
  CHECK(store.property_name(kProperty) == "p");
  require_rest(store, 101, kNodes + 5);
}

TEST_CASE("a salvaged store does without its superblock, but not with a newer one", "[damage]") {
  Salvaged salvaged;
  SECTION("it is missing") {
    salvaged.change([](KvBatch& batch) { batch.erase(Family::meta, "S"); });
  }
  SECTION("it is damaged") {
    salvaged.change([](KvBatch& batch) { batch.put(Family::meta, "S", "no superblock"); });
  }
  SECTION("it is of a newer format") {
    Superblock superblock;
    superblock.features = std::uint64_t{1} << 63;
    std::string bytes;
    superblock.encode(bytes);
    salvaged.change([&](KvBatch& batch) { batch.put(Family::meta, "S", bytes); });
    CHECK(salvaged.open().error().code() == ErrorCode::unsupported_format);
    return;
  }
  auto store = value_of(salvaged.open());
  CHECK(salvaged.was_told("superblock"));
  require_rest(store, 101, kNodes);
}

TEST_CASE("a salvaged store does without what is lost of its catalogue", "[damage]") {
  Salvaged salvaged;
  salvaged.change([](KvBatch& batch) {
    batch.put(Family::meta, "C12", "no page");
    batch.put(Family::meta, "N12", "no name");
  });
  auto store = value_of(salvaged.open());
  CHECK(salvaged.was_told("catalogue key of a wrong length"));
  require_rest(store, 101, kNodes);
}

TEST_CASE("an error of the disk is not taken for what a salvaged store lacks", "[damage]") {
  const Salvaged salvaged;
  int reads = 0;
  for (;; ++reads) {
    const auto opened = StorageOptimizer::open(
        std::make_unique<SalvagedMemory>(salvaged.backend, reads), plain_options());
    if (opened) break;
    CHECK(opened.error().code() == ErrorCode::io_error);
  }
  CHECK(reads > 5);
}

TEST_CASE("of a container whose begin is lost the runs are read", "[damage]") {
  const NodeId node = GENERATE(0, 100);
  Salvaged salvaged;
  const auto [key, value] = salvaged.container_of(node);
  const auto layout = value_of(parse_container(value));
  REQUIRE(layout.block);
  REQUIRE(layout.runs.size() == 1);
  salvaged.change([&, &place = key, &run = layout.runs[0]](KvBatch& batch) {
    batch.put(Family::primary, place, run);
  });
  auto store = value_of(salvaged.open());
  const auto found = value_of(store.query_by_property(kProperty)).size();
  // Several at once, or one.
  const std::vector<ExceptionKey> keys = {{node, kProperty}, {290, kProperty}};
  CHECK(value_of(store.bulk_retrieve(keys))[0] == exception_of(1000 + node));
  CHECK(value_of(store.retrieve_exception({node, kProperty})) == exception_of(1000 + node));
  CHECK_FALSE(value_of(store.contains({node + 1, kProperty})));
  // It has no block: what there is of it are places behind one.
  {
    const CompressedExceptionStore blocks(store);
    const auto at = value_of(blocks.locate({node, kProperty}));
    REQUIRE(at);
    CHECK(value_of(blocks.read(*at)).exception == exception_of(1000 + node));
    CHECK(blocks.describe(at->partition_id).error().code() == ErrorCode::not_found);
    CHECK(value_of(store.column_statistics()).size() > 3);
  }
  const auto left = value_of(store.count({}));
  CHECK(left < kNodes);
  CHECK(left > kNodes / 2);
  CHECK(found == left);
  require_rest(store, 250, kNodes);
}

TEST_CASE("of a container of which a few bytes are left nothing is read", "[damage]") {
  Salvaged salvaged;
  const auto [key, value] = salvaged.container_of(100);
  salvaged.change([&, &place = key](KvBatch& batch) { batch.put(Family::primary, place, "CVR"); });
  auto store = value_of(salvaged.open());
  CHECK(store.retrieve_exception({100, kProperty}).error().code() == ErrorCode::corruption);
  require_rest(store, 250, kNodes);
}

TEST_CASE("an index that was given up is not asked where nothing can be written down", "[damage]") {
  Salvaged salvaged;
  salvaged.change(
      [](KvBatch& batch) { batch.put(Family::meta, lost_family_key(Family::source), ""); });
  auto store = value_of(salvaged.open());
  CHECK(value_of(store.query_by_source(exception_of(1).source)).size() == kNodes + 5);
  CHECK_FALSE(stored_under(*salvaged.backend, Family::meta, "S").empty());
  require_rest(store, 101, kNodes);
}

TEST_CASE("a record of the log that cannot be read is left out of what was salvaged", "[damage]") {
  Salvaged salvaged;
  std::string key, value;
  {
    auto it = value_of(salvaged.backend->iterate(Family::delta, nullptr, false));
    it->seek_to_first();
    REQUIRE(it->valid());
    key = it->key();
    value = it->value();
  }
  value.back() = static_cast<char>(value.back() ^ 1);
  salvaged.change([&](KvBatch& batch) { batch.put(Family::delta, key, value); });
  auto store = value_of(salvaged.open());
  CHECK(value_of(store.count({})) == kNodes);
  CHECK(salvaged.was_told("delta"));
  require_rest(store, 101, kNodes);
}

TEST_CASE("before the first partition that was salvaged there is an error, not nothing",
          "[damage]") {
  Salvaged salvaged;
  salvaged.change([](KvBatch& batch) { batch.erase(Family::primary, encode_key({})); });
  auto store = value_of(salvaged.open());
  const auto lost = store.retrieve_exception({1, kProperty});
  REQUIRE_FALSE(lost);
  CHECK_THAT(lost.error().message(), Catch::Contains("the first partition is missing"));
  CHECK_FALSE(store.count({}));
  require_rest(store, 200, kNodes);
}

}  // namespace caveat::test
