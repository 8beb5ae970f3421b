// Damage in a secondary index: it costs time and one message, never an answer or a write; and a
// rebuild mends it without reading what is damaged.
#include <fstream>
#include <map>
#include <mutex>

#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

constexpr NodeId kNodes = 4000;
constexpr std::int64_t kSecond = 1'000'000'000;

PropertyHash property_of(NodeId node) {
  return hash_property("p" + std::to_string(node % 7));
}

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "r" + std::to_string(node);
  exception.source = node % 3 == 0 ? ExceptionSource::Detected : ExceptionSource::Imported;
  if (node % 997 == 400)
    exception.source = ExceptionSource::Conflict;  // few, also in the last folds
  exception.confidence = static_cast<float>(node % 101) / 100.0F;
  exception.created_at = static_cast<std::int64_t>(node) * 100 * kSecond;
  return exception;
}

void store_range(StorageOptimizer& store, NodeId from, NodeId to) {
  std::vector<ExceptionRecord> records;
  for (NodeId node = from; node < to; ++node) {
    records.push_back({{node, property_of(node)}, exception_of(node)});
  }
  value_of(store.bulk_store(records));
}

// A narrow query for each family, so that it would go by the index.
Query query_of(Family family) {
  Query query;
  if (family == Family::property) query.property = property_of(3);
  if (family == Family::source) query.source = ExceptionSource::Conflict;
  if (family == Family::confidence) query.confidence = Query::ConfidenceRange{0.5F, 0.51F};
  if (family == Family::temporal) query.time = Query::TimeRange{1000 * kSecond, 20000 * kSecond};
  return query;
}

std::vector<NodeId> nodes_of(StorageOptimizer& store, const Query& query) {
  auto cursor = value_of(store.query(query));
  std::vector<NodeId> nodes;
  while (const ExceptionView* record = value_of(cursor.next()))
    nodes.push_back(record->key.node_id);
  return nodes;
}

// What queries must give, from a plain look at all nodes.
std::vector<NodeId> expected(Family family, NodeId count) {
  std::vector<NodeId> nodes;
  const Query query = query_of(family);
  for (NodeId node = 0; node < count; ++node) {
    const Exception e = exception_of(node);
    if (query.property && property_of(node) != *query.property) continue;
    if (query.source && e.source != *query.source) continue;
    if (query.confidence &&
        (e.confidence < query.confidence->min || e.confidence > query.confidence->max)) {
      continue;
    }
    if (query.time && (e.created_at < query.time->start_ns || e.created_at > query.time->end_ns)) {
      continue;
    }
    nodes.push_back(node);
  }
  return nodes;
}

void require_right_answers(StorageOptimizer& store, NodeId count) {
  for (const Family family : kIndexFamilies) {
    INFO(to_string(family));
    REQUIRE(nodes_of(store, query_of(family)) == expected(family, count));
    REQUIRE(value_of(store.count(query_of(family))) == expected(family, count).size());
  }
  for (const QueryOrder order : {QueryOrder::time, QueryOrder::confidence}) {
    Query all;
    all.order = order;
    REQUIRE(nodes_of(store, all).size() == count);
    all.limit = 10;
    REQUIRE(nodes_of(store, all).size() == 10);
  }
}

bool is_complete(StorageOptimizer& store, Family family) {
  for (const auto& index : store.estimate_storage_statistics().indexes) {
    if (index.name == to_string(family)) return index.unindexed == 0;
  }
  return false;
}

void require_sound(StorageOptimizer& store) {
  const auto found = value_of(store.verify());
  for (const auto& error : found.errors) UNSCOPED_INFO(error);
  REQUIRE(found.sound());
}

// Told from any thread.
struct Told {
  std::mutex mutex;
  std::vector<std::string> messages;
  [[nodiscard]] std::size_t about(Family family) {
    const std::lock_guard lock(mutex);
    const auto name = "the " + std::string(to_string(family)) + " index";
    return static_cast<std::size_t>(
        std::count_if(messages.begin(), messages.end(),
                      [&](const auto& m) { return m.find(name) != std::string::npos; }));
  }
};

Options options_with(const std::shared_ptr<Told>& told) {
  Options options;
  options.partition_records = 64;
  options.on_background_error = [told](const StorageError& error) {
    const std::lock_guard lock(told->mutex);
    told->messages.push_back(error.message());
  };
  return options;
}

// One bit of each container of the family, or only of its first.
void damage_containers(KvBackend& backend, Family family) {
  auto it = value_of(backend.iterate(family, nullptr, false));
  KvBatch batch;
  for (it->seek_to_first(); it->valid(); it->next()) {
    std::string value(it->value());
    value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
    batch.put(family, it->key(), value);
  }
  REQUIRE_FALSE(batch.empty());
  it.reset();
  value_of(backend.write(batch, Durability::wal));
}

// A bit in the first data block of every table of the family: RocksDB's own checksum fails.
void damage_tables(const fs::path& path, Family family) {
  std::size_t damaged = 0;
  for (const auto& file : fs::directory_iterator(path)) {
    if (file.path().extension() != ".sst") continue;
    std::ifstream in(file.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    in.close();
    // The end of "rocksdb.column.family.name", whose begin the property before it has as well.
    if (bytes.find("name" + std::string(to_string(family))) == std::string::npos) continue;
    bytes[40] = static_cast<char>(bytes[40] ^ 1);
    std::ofstream(file.path(), std::ios::binary) << bytes;
    ++damaged;
  }
  REQUIRE(damaged > 0);
}

// The whole life of a store with one damaged family. `open` opens it anew.
template <class Open>
void live_with_damage(Family family, const Open& open, const std::shared_ptr<Told>& told) {
  {
    auto store = open();
    require_right_answers(store, kNodes);
    REQUIRE_FALSE(is_complete(store, family));
    REQUIRE(told->about(family) == 1);
    // Writes are accepted, folded and found; none fails for the index.
    store_range(store, kNodes, kNodes + 500);
    value_of(store.flush());
    for (NodeId node = kNodes + 500; node < kNodes + 600; ++node) {
      value_of(store.store_exception({node, property_of(node)}, exception_of(node)));
    }
    value_of(store.flush());
    require_right_answers(store, kNodes + 600);
    static_cast<void>(value_of(store.get_storage_statistics()));
    const auto found = value_of(store.verify());
    CHECK_FALSE(found.sound());
    CHECK(found.records == kNodes + 600);
    CHECK(found.incomplete_indexes == std::vector<std::string>{std::string(to_string(family))});
    CHECK(told->about(family) == 1);
    value_of(store.close());
  }
  {
    // It was written down: nobody has to find it again.
    auto store = open();
    CHECK_FALSE(is_complete(store, family));
    require_right_answers(store, kNodes + 600);
    CHECK(told->about(family) == 1);
    value_of(store.compact_storage());
    value_of(store.rebuild_indexes());
    REQUIRE(is_complete(store, family));
    require_sound(store);
    require_right_answers(store, kNodes + 600);
    store_range(store, kNodes + 600, kNodes + 700);
    value_of(store.flush());
    require_sound(store);
    value_of(store.close());
  }
  auto store = open();
  REQUIRE(is_complete(store, family));
  require_right_answers(store, kNodes + 700);
  require_sound(store);
  // Nothing of the damage is left for a compaction to stumble over.
  value_of(store.compact_storage());
  value_of(store.store_exception({1, property_of(1)}, exception_of(1)));
  value_of(store.flush());
  require_sound(store);
  CHECK(told->about(family) == 1);
}

}  // namespace

TEST_CASE("a damaged container of an index costs time, no answers and no writes", "[damage]") {
  const Family family = GENERATE(from_range(kIndexFamilies.begin(), kIndexFamilies.end()));
  const bool background = GENERATE(true, false);
  INFO(to_string(family) << (background ? ", in the background" : ""));
  const auto told = std::make_shared<Told>();
  const auto memory = shared_memory_backend();
  const auto open = [&] {
    Options options = options_with(told);
    options.background_maintenance = background;
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  };
  {
    auto store = open();
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  damage_containers(*memory, family);
  live_with_damage(family, open, told);
}

TEST_CASE("a damaged table file of an index costs time, no answers and no writes", "[damage]") {
  const Family family = GENERATE(from_range(kIndexFamilies.begin(), kIndexFamilies.end()));
  INFO(to_string(family));
  const auto told = std::make_shared<Told>();
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  const auto open = [&] { return value_of(StorageOptimizer::open(path, options_with(told))); };
  {
    auto store = open();
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  damage_tables(path, family);
  live_with_damage(family, open, told);
}

TEST_CASE("writes are the first to meet a damaged index, and go on", "[damage]") {
  const Family family = GENERATE(from_range(kIndexFamilies.begin(), kIndexFamilies.end()));
  INFO(to_string(family));
  const auto told = std::make_shared<Told>();
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  Options options = options_with(told);
  options.memory_budget_bytes = kMemoryBudgetMin;
  {
    auto store = value_of(StorageOptimizer::open(path, options));
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  damage_tables(path, family);
  {
    auto store = value_of(StorageOptimizer::open(path, options));
    // More than the delta holds: several folds.
    for (NodeId from = kNodes; from < kNodes + 40000; from += 2000) {
      store_range(store, from, from + 2000);
    }
    value_of(store.flush());
    CHECK(store.estimate_storage_statistics().folds >= 1);
    CHECK(told->about(family) == 1);
    require_right_answers(store, kNodes + 40000);
    value_of(store.close());
  }
  auto store = value_of(StorageOptimizer::open(path, options));
  CHECK_FALSE(is_complete(store, family));
  const auto done = value_of(store.optimize_storage());
  CHECK(done.indexes_rebuilt == 1);
  CHECK(is_complete(store, family));
  require_sound(store);
  require_right_answers(store, kNodes + 40000);
}

// The batch that leaves an index out says so itself: what comes after it may be lost.
TEST_CASE("a crash in a fold that leaves a damaged index out loses no answer", "[damage][crash]") {
  const Family family = Family::source;
  const auto told = std::make_shared<Told>();
  const auto memory = shared_memory_backend();
  const auto images = std::make_shared<KeepsImages::Images>();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), options_with(told)));
  };
  {
    auto store = open();
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  const auto sound = image_of(*memory);
  damage_containers(*memory, family);
  auto store = open();
  require_right_answers(store, kNodes);
  REQUIRE(told->about(family) == 1);
  // Of a disk that reads well again.
  KvBatch mended;
  auto it = value_of(sound->iterate(family, nullptr, false));
  for (it->seek_to_first(); it->valid(); it->next()) mended.put(family, it->key(), it->value());
  value_of(memory->write(mended, Durability::wal));
  store_range(store, kNodes, kNodes + 500);
  images->keep = true;
  value_of(store.flush());
  images->keep = false;
  REQUIRE(images->after.size() > 1);
  for (const auto& image : images->after) {
    auto crashed = value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(image), options_with(told)));
    require_right_answers(crashed, kNodes + 500);
    value_of(crashed.flush());
    require_right_answers(crashed, kNodes + 500);
  }
}

TEST_CASE("a clear of a property goes on without the property index", "[damage]") {
  const auto told = std::make_shared<Told>();
  const auto memory = shared_memory_backend();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options_with(told)));
  };
  {
    auto store = open();
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  damage_containers(*memory, Family::property);
  auto store = open();
  value_of(store.clear_property(property_of(3)));
  value_of(store.optimize_storage());
  CHECK(nodes_of(store, query_of(Family::property)).empty());
  CHECK(value_of(store.count({})) == kNodes - expected(Family::property, kNodes).size());
  require_sound(store);
}

TEST_CASE("a rebuild of a damaged index waits for old readers", "[damage]") {
  const auto told = std::make_shared<Told>();
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  {
    auto store = value_of(StorageOptimizer::open(path, options_with(told)));
    store_range(store, 0, kNodes);
    value_of(store.close());
  }
  damage_tables(path, Family::source);
  auto store = value_of(StorageOptimizer::open(path, options_with(told)));
  auto cursor = std::make_optional(value_of(store.query({})));
  static_cast<void>(nodes_of(store, query_of(Family::source)));
  const auto refused = store.rebuild_indexes();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::busy);
  CHECK_THAT(refused.error().message(), Catch::Contains("source"));
  require_right_answers(store, kNodes);
  cursor.reset();
  // Those of after the mark do not stand in the way.
  auto later = value_of(store.query({}));
  value_of(store.rebuild_indexes());
  CHECK(is_complete(store, Family::source));
  REQUIRE(value_of(later.next()) != nullptr);
}

// Fails the write that would put the family's containers in: what a rebuild that was killed leaves.
class CutShort : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t i = 0; i < batch.count(); ++i) {
      if (failing && is_index_family(batch.entry(i).family)) {
        return fail(ErrorCode::io_error, "cut short");
      }
    }
    return BackendDouble::write(batch, durability);
  }
  bool failing = false;
};

TEST_CASE("verify does not call sound what it did not check", "[damage]") {
  const auto memory = shared_memory_backend();
  Options options;
  options.background_maintenance = false;
  options.partition_records = 64;
  {
    auto backend = std::make_unique<CutShort>(memory);
    auto* cut = backend.get();
    auto store = value_of(StorageOptimizer::open(std::move(backend), options));
    store_range(store, 0, kNodes);
    value_of(store.flush());
    require_sound(store);
    cut->failing = true;
    CHECK_FALSE(store.rebuild_indexes().has_value());
    cut->failing = false;
    value_of(store.close());
  }
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  const auto found = value_of(store.verify());
  CHECK_FALSE(found.sound());
  CHECK(found.incomplete_indexes ==
        std::vector<std::string>{"property", "source", "confidence", "temporal"});
  require_right_answers(store, kNodes);
  CHECK(value_of(store.optimize_storage()).indexes_rebuilt == 4);
  require_sound(store);
  require_right_answers(store, kNodes);
}

TEST_CASE("verify goes on behind damage, and counts recent writes", "[damage]") {
  const auto memory = shared_memory_backend();
  Options options;
  options.background_maintenance = false;
  options.partition_records = 64;
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  store_range(store, 0, kNodes);
  value_of(store.flush());
  // Replaced, new, and removed.
  store_range(store, kNodes - 10, kNodes + 50);
  value_of(store.remove_exception({0, property_of(0)}));
  auto found = value_of(store.verify());
  CHECK(found.records == kNodes + 49);
  CHECK(found.delta_records == 2);
  CHECK(found.sound());
  REQUIRE(value_of(store.count({})) == kNodes + 49);

  // A bit in a record of the log, in a partition, and in an index each.
  const auto damage_one = [&](Family family, std::size_t skip) {
    auto it = value_of(memory->iterate(family, nullptr, false));
    it->seek_to_first();
    while (skip-- > 0) it->next();
    REQUIRE(it->valid());
    std::string value(it->value());
    value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
    KvBatch batch;
    batch.put(family, it->key(), value);
    it.reset();
    value_of(memory->write(batch, Durability::wal));
  };
  damage_one(Family::delta, 0);
  damage_one(Family::primary, 3);
  damage_one(Family::primary, 5);
  damage_one(Family::confidence, 0);
  auto again = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  found = value_of(again.verify());
  const auto about = [&](const std::string& part) {
    return std::count_if(found.errors.begin(), found.errors.end(),
                         [&](const auto& e) { return e.find(part) == 0; });
  };
  CHECK(about("primary") == 2);
  CHECK(about("delta") == 1);
  CHECK(found.error_count == found.errors.size());
  CHECK_FALSE(found.sound());
}

}  // namespace caveat::test
