// Clears as the store keeps them: what is written is the difference, and comes back.
#include <catch2/catch.hpp>

#include "engine/maintenance/clear_store.h"
#include "test/support/backend_double.h"

using namespace caveat;
using namespace caveat::test;

namespace {

ClearList clears_of(std::initializer_list<std::pair<NodeId, Sequence>> nodes,
                    std::initializer_list<std::pair<PropertyHash, Sequence>> properties) {
  ClearList clears;
  for (const auto& [node, sequence] : nodes) clears.add_node(node, sequence);
  for (const auto& [property, sequence] : properties) clears.add_property(property, sequence);
  return clears;
}

}  // namespace

TEST_CASE("clears come back as they were last written, and nothing is written twice") {
  const auto backend = shared_memory_backend();
  ClearList before;
  const auto writes = [&](const ClearList& after) {
    KvBatch batch;
    persist_clears(before, after, batch);
    REQUIRE(backend->write(batch, Durability::wal));
    const auto loaded = load_clears(*backend);
    REQUIRE(loaded);
    CHECK(loaded->nodes() == after.nodes());
    CHECK(loaded->properties() == after.properties());
    CHECK(loaded->newest() == after.newest());
    before = after;
    return batch.count();
  };
  CHECK(writes({}) == 0);
  CHECK(writes(clears_of({{7, 10}, {8, 11}}, {{7, 12}})) == 3);
  CHECK(writes(before) == 0);
  // Cleared again: the later one counts, after a reopen as well.
  CHECK(writes(clears_of({{7, 20}, {8, 11}}, {{7, 21}})) == 2);
  CHECK(writes(clears_of({{8, 11}}, {{7, 21}, {~PropertyHash{0}, 30}})) == 2);
  CHECK(writes({}) == 3);
}

TEST_CASE("a clear hides what was written before it, and of two the later one counts") {
  ClearList clears = clears_of({{7, 10}}, {{9, 20}});
  const auto hides = [&](NodeId node, PropertyHash property, Sequence as_of) {
    return clears.hides({node, property}, as_of);
  };
  CHECK(hides(7, 1, 9));
  CHECK_FALSE(hides(7, 1, 10));  // it was applied to that segment
  CHECK(hides(1, 9, 19));
  CHECK_FALSE(hides(1, 9, 20));
  CHECK_FALSE(hides(9, 7, 0));
  CHECK(clears.newest() == 20);
  clears.add_node(7, 15);
  clears.add_node(7, 5);
  CHECK(hides(7, 1, 14));
  CHECK_FALSE(hides(7, 1, 15));
  CHECK(clears.newest() == 20);
  clears.add_node(3, 30);
  CHECK(clears.newest() == 30);
  CHECK(hides(1, 9, 19));
  CHECK(ClearList().newest() == 0);
}

TEST_CASE("a clear of another length or kind is refused") {
  std::string value(sizeof(Sequence), '\1');
  const std::string key = std::string("T") + static_cast<char>(RowKind::clear_node) + "12345678";
  const auto loads = [&](const std::string& at, const std::string& what) {
    const auto backend = shared_memory_backend();
    KvBatch batch;
    batch.put(Family::meta, at, what);
    REQUIRE(backend->write(batch, Durability::wal));
    return load_clears(*backend).has_value();
  };
  CHECK(loads(key, value));
  CHECK_FALSE(loads(key + 'x', value));
  CHECK_FALSE(loads(key.substr(0, 9), value));
  CHECK_FALSE(loads(key, value + 'x'));
  CHECK_FALSE(loads(key, value.substr(1)));
  CHECK_FALSE(loads(std::string("T\x01") + "12345678", value));
}
