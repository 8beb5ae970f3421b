// Feature bits: what this version writes is said before it is written, and what a newer one wrote
// is refused by name, never called damage.
#include "engine/store/features.h"

#include "engine/catalogue/catalogue_format.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/partition/container.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

// Bits as they stand on disk.
constexpr std::uint64_t kNamesWithoutHashes = 1;
constexpr std::uint64_t kFramesOfRows = 2;
constexpr std::uint64_t kAll = kNamesWithoutHashes | kFramesOfRows;

Superblock superblock_of(KvBackend& backend) {
  return value_of(Superblock::decode(stored_under(backend, Family::meta, "S")));
}

void put(KvBackend& backend, const std::string& key, const std::string& value) {
  KvBatch batch;
  batch.put(Family::meta, key, value);
  value_of(backend.write(batch, Durability::wal));
}

void set_features(KvBackend& backend, std::uint64_t features) {
  Superblock superblock = superblock_of(backend);
  superblock.features = features;
  std::string bytes;
  superblock.encode(bytes);
  put(backend, "S", bytes);
}

Result<StorageOptimizer> open(const std::shared_ptr<KvBackend>& backend) {
  return StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options());
}

// A closed store with a named property and one that has none; as an older caveat left it.
std::shared_ptr<KvBackend> older_store() {
  auto backend = shared_memory_backend();
  auto store = value_of(open(backend));
  value_of(store.register_property("named"));
  value_of(store.store_exception({1, hash_property("named")}, {}));
  value_of(store.store_exception({1, hash_property("nameless")}, {}));
  value_of(store.close());
  set_features(*backend, 0);
  KvBatch batch;
  batch.erase(Family::meta, feature_key(0));
  batch.erase(Family::meta, feature_key(1));
  value_of(backend->write(batch, Durability::wal));
  return backend;
}

// Catalogue segments and blocks of new versions that were written while the superblock did not say
// so.
class WatchesFormats final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t i = 0; i < batch.count(); ++i) {
      const auto entry = batch.entry(i);
      const bool segment = entry.family == Family::meta && entry.key.starts_with('C');
      const bool block = entry.family == Family::primary && entry.op == KvBatch::Op::put &&
                         value_of(parse_container(entry.value)).block.has_value();
      if (!segment && !block) continue;
      (segment ? segments : blocks) += 1;
      std::string bytes;
      value_of(get(Family::meta, "S", nullptr, bytes));
      const std::uint64_t features = value_of(Superblock::decode(bytes)).features;
      if ((features & (segment ? kNamesWithoutHashes : kFramesOfRows)) == 0) ++unsaid;
    }
    return BackendDouble::write(batch, durability);
  }
  inline static int segments = 0;
  inline static int blocks = 0;
  inline static int unsaid = 0;
};

}  // namespace

TEST_CASE("a store of this version says what it uses", "[features]") {
  const auto backend = shared_memory_backend();
  value_of(value_of(open(backend)).close());
  CHECK(superblock_of(*backend).features == kAll);
  CHECK(stored_under(*backend, Family::meta, std::string("F\0", 2)) ==
        "names without their hashes");
  CHECK(stored_under(*backend, Family::meta, std::string("F\1", 2)) == "frames of rows");
  std::size_t names = 0;
  const auto it = value_of(backend->iterate(Family::meta, nullptr, false));
  for (it->seek("F"); it->valid() && it->key().starts_with('F'); it->next()) ++names;
  CHECK(names == 2);
  CHECK(kKnownFeatures == kAll);  // a new one: a new golden store, and the page
  value_of(value_of(open(backend)).close());
}

TEST_CASE("a feature of a newer caveat is refused by its name", "[features][bad]") {
  const auto backend = older_store();
  const auto refusal = [&](std::uint64_t features) {
    set_features(*backend, features);
    const auto refused = open(backend);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == ErrorCode::unsupported_format);
    CHECK(superblock_of(*backend).features == features);  // nothing was changed
    return refused.error().message();
  };
  put(*backend, "F\5", "blocks in two halves");
  CHECK_THAT(refusal(std::uint64_t{1} << 5 | 1), Catch::Contains("newer caveat") &&
                                                     Catch::Contains("\"blocks in two halves\"") &&
                                                     !Catch::Contains("feature 0"));
  // The name is missing; there are several; a name is not to be trusted.
  CHECK_THAT(refusal(std::uint64_t{1} << 63 | std::uint64_t{1} << 5),
             Catch::Contains("\"blocks in two halves\" (feature 5), feature 63"));
  put(*backend, "F\5", "a\n\x1b[2J\xff" + std::string(100'000, 'b'));
  const auto said = refusal(std::uint64_t{1} << 5);
  CHECK_THAT(said, Catch::Contains("\"a[2Jb"));
  CHECK(said.size() < 300);
  put(*backend, "F\5", "\x1f a~\x7f");  // the first and the last letter that is shown
  CHECK_THAT(refusal(std::uint64_t{1} << 5), Catch::Contains("\" a~\" (feature 5)"));
  set_features(*backend, 0);
  CHECK(value_of(value_of(open(backend)).count({})) == 2);
}

TEST_CASE("an older store says what it uses from the first write that needs it", "[features]") {
  const auto backend = older_store();
  const auto features_after = [&](const auto& use) {
    auto store = value_of(
        StorageOptimizer::open(std::make_unique<WatchesFormats>(backend), plain_options()));
    use(store);
    value_of(store.close());
    return superblock_of(*backend).features;
  };
  WatchesFormats::segments = WatchesFormats::blocks = WatchesFormats::unsaid = 0;
  // Neither of these does: an older caveat goes on opening it.
  CHECK(features_after([](StorageOptimizer&) {}) == 0);
  CHECK(features_after([](StorageOptimizer& store) {
          value_of(store.register_property("waits for an id"));
          value_of(store.rebuild_indexes());
        }) == 0);
  CHECK(WatchesFormats::blocks == 0);
  // A partition that is written anew.
  CHECK(features_after([](StorageOptimizer& store) {
          value_of(store.store_exception({2, hash_property("named")}, {}));
          value_of(store.optimize_storage());
        }) == kFramesOfRows);
  CHECK(WatchesFormats::segments == 0);
  CHECK(WatchesFormats::blocks > 0);
  SECTION("a property that is new") {
    CHECK(features_after([](StorageOptimizer& store) {
            value_of(store.store_exception({3, hash_property("new")}, {}));
            value_of(store.flush());
          }) == kAll);
  }
  SECTION("a name for one that had none") {
    CHECK(features_after([](StorageOptimizer& store) {
            value_of(store.register_property("nameless"));
          }) == kAll);
  }
  CHECK(WatchesFormats::segments == 1);
  CHECK(WatchesFormats::unsaid == 0);
  CHECK(stored_under(*backend, Family::meta, feature_key(0)) ==
        to_string(Feature::names_without_hashes));
  CHECK(value_of(value_of(open(backend)).verify()).sound());
}

// A segment of a later version is an error of its own, in a store whose bits do not say so.
TEST_CASE("a catalogue of a newer version is no damage", "[features][bad]") {
  const auto backend = older_store();
  std::string segment = stored_under(*backend, Family::meta, catalogue_format::page_key(0));
  segment[4] = static_cast<char>(catalogue_format::kVersion + 1);
  set_fixed(segment, 12, static_cast<std::uint32_t>(checksum_around(segment, 12, 4)));
  put(*backend, catalogue_format::page_key(0), segment);
  const auto refused = open(backend);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::unsupported_format);
}

// An older caveat goes without the pages that it cannot read, so they need no bit.
TEST_CASE("a directory page of a newer version costs time, and is no damage", "[features]") {
  const auto backend = older_store();
  auto it = value_of(backend->iterate(Family::meta, nullptr, false));
  it->seek("D");
  REQUIRE(it->valid());
  const std::string key(it->key());
  REQUIRE(key.starts_with('D'));
  std::string page(it->value());
  page[4] = static_cast<char>(page[4] + 1);
  set_fixed(page, 12, static_cast<std::uint32_t>(checksum_around(page, 12, 4)));
  put(*backend, key, page);
  std::vector<std::string> told;
  Options options = plain_options();
  options.on_background_error = [&](const StorageError& error) { told.push_back(error.message()); };
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), options));
  CHECK(value_of(store.count({})) == 2);
  CHECK(value_of(store.verify()).sound());
  CHECK(told.empty());
  value_of(store.close());
  CHECK(stored_under(*backend, Family::meta, key) != page);  // made anew
}

}  // namespace caveat::test
