// Where a property's hints led is remembered, and must be forgotten with every change of the store.
#include <random>
#include <set>

#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 5000;
const PropertyHash kCommon = hash_property("common");
const PropertyHash kRare = hash_property("rare");

Exception any_exception() {
  Exception exception;
  exception.actual_value = std::int64_t{7};
  return exception;
}

std::set<NodeId> nodes_of(StorageOptimizer& store) {
  std::set<NodeId> nodes;
  for (const auto& record : value_of(store.query_by_property(kRare))) {
    nodes.insert(record.key.node_id);
  }
  return nodes;
}

}  // namespace

TEST_CASE("a property's places are not remembered beyond a change of the store", "[query]") {
  for (const Backend backend : {Backend::memory, Backend::rocksdb}) {
    Options options;
    options.partition_records = 16;
    options.background_maintenance = false;
    TestStore store(backend, options);
    store_nodes(*store, kCommon, 0, kNodes, [](NodeId) { return any_exception(); });
    value_of(store->flush());
    std::mt19937_64 random(7);
    std::set<NodeId> wanted;
    // Few enough that the index is asked.
    const auto change = [&] {
      const NodeId node = random() % kNodes;
      if (wanted.size() > 40) {
        value_of(store->remove_exception({*wanted.begin(), kRare}));
        wanted.erase(wanted.begin());
      }
      value_of(store->store_exception({node, kRare}, any_exception()));
      wanted.insert(node);
    };
    for (int round = 0; round < 60; ++round) {
      const auto snapshot = store->snapshot();
      const auto before = wanted;
      INFO(name_of(backend) << ", round " << round);
      REQUIRE(nodes_of(*store) == wanted);
      REQUIRE(nodes_of(*store) == wanted);  // as remembered
      change();
      REQUIRE(nodes_of(*store) == wanted);
      value_of(store->flush());
      REQUIRE(nodes_of(*store) == wanted);
      if (round % 20 == 9) value_of(store->optimize_storage());
      if (round % 20 == 14) value_of(store->rebuild_indexes());
      if (round % 20 == 19) value_of(store->compact_storage());
      REQUIRE(nodes_of(*store) == wanted);
      Query query;
      query.property = kRare;
      REQUIRE(value_of(store->count(query, &snapshot)) == before.size());
    }
    const auto plan = value_of(store->explain([] {
      Query query;
      query.property = kRare;
      return query;
    }()));
    CHECK(plan.index == IndexKind::property);
    CHECK(plan.partitions_visited < plan.partitions_total / 2);
  }
}

// Rows that were looked up ahead are of blocks that are gone when a damaged partition makes the
// next ones come one by one, perhaps to where those were in memory.
TEST_CASE("rows looked up ahead are not taken for those of later blocks", "[regression]") {
  const auto memory = shared_memory_backend();
  Options options;
  options.partition_records = 64;
  options.cache_bytes = 1;
  options.background_maintenance = false;
  std::mt19937_64 random(3);
  std::set<NodeId> wanted;
  auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  store_nodes(store, kCommon, 0, kNodes, [](NodeId) { return any_exception(); });
  for (NodeId node = 0; node < kNodes; node += 20 + random() % 100) {
    value_of(store.store_exception({node, kRare}, any_exception()));
    wanted.insert(node);
  }
  value_of(store.flush());
  // The containers of one partition in ten.
  KvBatch damage;
  auto it = value_of(memory->iterate(Family::primary, nullptr, false));
  std::size_t count = 0;
  for (it->seek_to_first(); it->valid(); it->next()) {
    std::string value(it->value());
    value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 4);
    if (++count % 10 == 0) damage.put(Family::primary, it->key(), value);
  }
  REQUIRE(damage.count() > 3);
  value_of(memory->write(damage, Durability::wal));
  store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory), options));
  for (const bool descending : {false, true}) {
    Query query;
    query.property = kRare;
    query.descending = descending;
    auto cursor = value_of(store.query(query));
    std::set<NodeId> shown;
    std::size_t damaged = 0;
    for (;;) {
      const auto record = cursor.next();
      if (!record) {
        ++damaged;
        REQUIRE(cursor.skip_damage());
        continue;
      }
      if (*record == nullptr) break;
      const NodeId node = (*record)->key.node_id;
      REQUIRE(wanted.contains(node));
      REQUIRE(shown.insert(node).second);
    }
    CHECK(damaged >= 3);
    CHECK(shown.size() >= wanted.size() * 8 / 10);
    CHECK(shown.size() < wanted.size());
  }
}

}  // namespace caveat::test
