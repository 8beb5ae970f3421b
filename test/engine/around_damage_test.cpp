// Partitions that cannot be read, each in its way: whatever is asked of the store, the rest goes
// on, and what is said of them names them.
#include <algorithm>
#include <array>
#include <optional>

#include "caveat/compressed_exception_store.h"
#include "engine/partition/container.h"
#include "engine/store/behind_damage.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 1500;
const PropertyHash kProperty = hash_property("p");
const PropertyHash kOther = hash_property("q");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "record of node " + std::to_string(node * 7919);
  exception.confidence = 0.5F;
  exception.created_at = static_cast<std::int64_t>(node) * 1'000'000'000'000;
  return exception;
}

// Four of the containers, by their places: gone, without a header, with a damaged column, and with
// a damaged run behind a sound block.
constexpr std::array<std::size_t, 4> kDamaged = {2, 5, 8, 11};

struct Damaged {
  std::shared_ptr<KvBackend> backend = shared_memory_backend();
  std::vector<std::string> told;
  std::vector<std::string> keys;  // of all containers

  Damaged() {
    {
      auto store = open();
      store_nodes(store, kProperty, 0, kNodes, exception_of);
      value_of(store.flush());
      for (NodeId node = 0; node < kNodes; node += 40) {  // a run here and there
        value_of(store.store_exception({node, kProperty}, exception_of(node)));
      }
      value_of(store.close());
    }
    auto it = value_of(backend->iterate(Family::primary, nullptr, false));
    std::vector<std::string> values;
    for (it->seek_to_first(); it->valid(); it->next()) {
      keys.emplace_back(it->key());
      values.emplace_back(it->value());
    }
    REQUIRE(keys.size() > 15);
    KvBatch batch;
    batch.erase(Family::primary, keys[kDamaged[0]]);
    batch.put(Family::primary, keys[kDamaged[1]], "no container at all, and no block either");
    std::string column = values[kDamaged[2]];
    column[column.size() / 2] = static_cast<char>(column[column.size() / 2] ^ 4);
    batch.put(Family::primary, keys[kDamaged[2]], column);
    std::string run = values[kDamaged[3]];
    REQUIRE_FALSE(value_of(parse_container(run)).runs.empty());
    run.back() = static_cast<char>(run.back() ^ 4);
    batch.put(Family::primary, keys[kDamaged[3]], run);
    value_of(backend->write(batch, Durability::wal));
  }
  [[nodiscard]] StorageOptimizer open() {
    Options options;
    options.background_maintenance = false;
    options.partition_records = 64;
    options.dictionary_bytes = 4096;
    options.on_background_error = [this](const StorageError& error) {
      told.push_back(error.message());
    };
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), options));
  }
  [[nodiscard]] ExceptionKey lower(std::size_t place) const { return *decode_key(keys[place]); }
  [[nodiscard]] bool is_lost(NodeId node) const {
    return std::any_of(kDamaged.begin(), kDamaged.end(), [&](std::size_t place) {
      return node >= lower(place).node_id && node < lower(place + 1).node_id;
    });
  }
  [[nodiscard]] std::size_t told_of(std::size_t place) const {
    const std::string where = "primary " + describe_key(lower(place));
    return static_cast<std::size_t>(std::count_if(told.begin(), told.end(), [&](const auto& m) {
      return m.find(where) != std::string::npos;
    }));
  }
  void require_rest(StorageOptimizer& store) const {
    for (NodeId node = 0; node < kNodes; node += 3) {
      const auto found = store.retrieve_exception({node, kProperty});
      REQUIRE(found.has_value() == !is_lost(node));
      if (found) REQUIRE(*found == exception_of(node));
    }
  }
};

}  // namespace

TEST_CASE("maintenance goes around partitions that cannot be read, and names them once",
          "[damage]") {
  Damaged damaged;
  auto store = damaged.open();
  damaged.told.clear();
  const auto optimized = store.optimize_storage();
  REQUIRE(optimized);
  CHECK(optimized->partitions_skipped == kDamaged.size());  // not their neighbours
  for (const std::size_t place : kDamaged) CHECK(damaged.told_of(place) == 1);
  damaged.require_rest(store);
  // Neither with the next writes to just these partitions.
  std::vector<ExceptionRecord> news;
  for (NodeId node = 0; node < kNodes; ++node) news.push_back({{node, kOther}, exception_of(node)});
  value_of(store.bulk_store(news));
  value_of(store.flush());
  for (NodeId node = 0; node < kNodes; node += 11) {
    const auto fresh = store.retrieve_exception({node, kOther});
    REQUIRE(fresh.has_value() == !damaged.is_lost(node));
  }
  damaged.require_rest(store);
  value_of(store.clear_node(damaged.lower(2).node_id + 1));
  value_of(store.clear_property(kOther));
  value_of(store.optimize_storage());
  CHECK_FALSE(value_of(store.contains({0, kOther})));
  damaged.require_rest(store);
  // The indexes cannot be made of what is not known; they stay as they are.
  const auto rebuilt = store.rebuild_indexes();
  REQUIRE_FALSE(rebuilt);
  CHECK(rebuilt.error().code() == ErrorCode::corruption);
  CHECK_THAT(rebuilt.error().message(), Catch::Contains("the indexes stay as they are"));
  const auto found = value_of(store.verify());
  CHECK(found.error_count >= kDamaged.size());
  value_of(store.close());
}

TEST_CASE("figures and lists leave out partitions that cannot be read, and say so", "[damage]") {
  Damaged damaged;
  auto store = damaged.open();
  damaged.told.clear();
  const auto columns = value_of(store.column_statistics());
  CHECK_FALSE(columns.empty());
  CHECK(damaged.told.size() >= 3);
  const auto statistics = value_of(store.get_storage_statistics());
  CHECK(statistics.total_exceptions_min <= kNodes);
  CHECK(statistics.total_exceptions_max >= kNodes);
  CHECK(statistics.total_exceptions_min < statistics.total_exceptions_max);
  const CompressedExceptionStore blocks(store);
  CHECK(value_of(blocks.partitions()).size() == damaged.keys.size());
  for (const std::size_t place : kDamaged) {
    const auto key = damaged.lower(place);
    CHECK_FALSE(blocks.locate({key.node_id + 1, kProperty}));
  }
}

TEST_CASE("a compaction leaves what is damaged, and marks an index for it", "[damage]") {
  // Compactions of one family fail.
  class Fails final : public BackendDouble {
   public:
    Fails(std::shared_ptr<KvBackend> inner, std::vector<Family> families)
        : BackendDouble(std::move(inner)), families_(std::move(families)) {}
    Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
      if (std::find(families_.begin(), families_.end(), family) != families_.end()) {
        return fail(ErrorCode::corruption, "a table of " + std::string(to_string(family)));
      }
      return BackendDouble::compact(family, keep_going);
    }

   private:
    const std::vector<Family> families_;
  };
  const auto open = [](std::vector<Family> families) {
    return value_of(StorageOptimizer::open(
        std::make_unique<Fails>(shared_memory_backend(), std::move(families)), {}));
  };
  {
    auto store = open({Family::source});
    store_nodes(store, kProperty, 0, 100, exception_of);
    value_of(store.compact_storage());
    CHECK(value_of(store.query_by_source(ExceptionSource::Explicit)).size() <= 100);
    CHECK(value_of(store.verify()).incomplete_indexes == std::vector<std::string>{"source"});
    value_of(store.compact_storage());  // passes it over
    value_of(store.rebuild_indexes());
    CHECK(value_of(store.verify()).sound());
  }
  auto store = open({Family::meta, Family::primary});
  store_nodes(store, kProperty, 0, 100, exception_of);
  const auto compacted = store.compact_storage();
  REQUIRE_FALSE(compacted);
  CHECK(compacted.error().message() == "a table of meta");  // the first
  CHECK(value_of(store.count({})) == 100);
}

namespace {

// Whatever seeks a key of [from, to) meets damage (without `to`: any key from there on).
class Scratched final : public KvIterator {
 public:
  Scratched(ExceptionKey from, std::optional<ExceptionKey> to) : from_(from), to_(to) {}
  void seek_to_first() override {}
  void seek(std::string_view key) override {
    const auto at = *decode_key(key);
    damaged_ = at >= from_ && (!to_ || at < *to_);
  }
  void seek_for_prev(std::string_view) override {}
  void next() override {}
  void prev() override {}
  [[nodiscard]] bool valid() const override { return false; }
  [[nodiscard]] std::string_view key() const override { return {}; }
  [[nodiscard]] std::string_view value() const override { return {}; }
  [[nodiscard]] Result<void> status() const override {
    return damaged_ ? Result<void>(fail(ErrorCode::corruption, "scratched")) : Result<void>();
  }

 private:
  const ExceptionKey from_;
  const std::optional<ExceptionKey> to_;
  bool damaged_ = false;
};

}  // namespace

TEST_CASE("behind damage is the first key that can be read, wherever it ends", "[damage]") {
  constexpr ExceptionKey kLast{~NodeId{0}, ~PropertyHash{0}};
  constexpr ExceptionKey kFrom{5, 0};
  int asked = 0;
  const auto behind = [&](ExceptionKey from, std::optional<ExceptionKey> to, int fades_at = -1) {
    asked = 0;
    const auto make = [&]() -> Result<std::unique_ptr<KvIterator>> {
      const bool faded = asked++ == fades_at;
      return std::make_unique<Scratched>(from, faded ? std::nullopt : to);
    };
    auto found = value_of(seek_behind_damage(make, {}, from));
    return found ? std::optional(found->key) : std::nullopt;
  };
  for (const ExceptionKey to : {ExceptionKey{5, 1}, ExceptionKey{5, 2}, ExceptionKey{9, 0},
                                ExceptionKey{1ULL << 63, 7}, kLast}) {
    CHECK(behind(kFrom, to) == to);
  }
  CHECK_FALSE(behind(kFrom, std::nullopt));  // to the very end
  CHECK_FALSE(behind(kLast, std::nullopt));
  CHECK(behind({}, kLast) == kLast);
  // What could be read a moment ago, and cannot any more.
  CHECK(behind(kFrom, ExceptionKey{9, 0}) == ExceptionKey{9, 0});
  CHECK_FALSE(behind(kFrom, ExceptionKey{9, 0}, asked - 1));
  CHECK_FALSE(key_after(kLast));
  CHECK(key_after({1, ~PropertyHash{0}}) == ExceptionKey{2, 0});
}

}  // namespace caveat::test
