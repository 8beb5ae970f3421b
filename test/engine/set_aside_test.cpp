// Delta records that were set aside: read, and forgotten, however many there are.
#include "engine/store/set_aside.h"

#include <catch2/catch.hpp>

#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

// More than are forgotten at once.
TEST_CASE("all that was set aside is forgotten, in the log and in meta, and nothing else") {
  constexpr std::size_t kMany = 9000;
  const auto backend = shared_memory_backend();
  const auto log_key = [](std::size_t i) { return "log key " + std::to_string(i); };
  KvBatch batch;
  for (std::size_t i = 0; i < kMany; ++i) {
    batch.put(Family::delta, log_key(i), "damaged");
    batch.put(Family::meta, set_aside_key(log_key(i)), "damaged");
  }
  batch.put(Family::delta, "sound", "record");
  batch.put(Family::meta, "P", "before");
  batch.put(Family::meta, "R", "behind");
  value_of(backend->write(batch, Durability::wal));
  CHECK(value_of(read_set_aside(*backend)).size() == kMany);
  CHECK(value_of(forget_set_aside(*backend)) == kMany);
  CHECK(value_of(read_set_aside(*backend)).empty());
  CHECK(value_of(forget_set_aside(*backend)) == 0);
  std::string value;
  for (std::size_t i = 0; i < kMany; i += 7)
    CHECK_FALSE(value_of(backend->get(Family::delta, log_key(i), nullptr, value)));
  CHECK(value_of(backend->get(Family::delta, "sound", nullptr, value)));
  CHECK(value_of(backend->get(Family::meta, "P", nullptr, value)));
  CHECK(value_of(backend->get(Family::meta, "R", nullptr, value)));
}

// The numbers of what was written since began within those of such a record: so a clear of today
// was older than what the record had stored before it, and a fold took the clear for done.
TEST_CASE("what is written behind a large record that was set aside is younger than all of it",
          "[regression]") {
  constexpr ExceptionKey kKey{7, 1};
  constexpr NodeId kMany = 70'000;
  const auto open = [](const std::shared_ptr<KvBackend>& on) {
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(on), plain_options()));
  };
  const auto first_log_entry = [](KvBackend& backend) {
    auto it = value_of(backend.iterate(Family::delta, nullptr, false));
    it->seek_to_first();
    REQUIRE(it->valid());
    return std::pair(std::string(it->key()), std::string(it->value()));
  };
  const auto put_in_log = [](KvBackend& backend, const std::string& key, const std::string& value) {
    KvBatch batch;
    batch.put(Family::delta, key, value);
    value_of(backend.write(batch, Durability::wal));
  };
  const auto running = shared_memory_backend();
  auto store = open(running);
  WriteBatch batch;
  for (NodeId node = 0; node < kMany; ++node) value_of(batch.remove_exception({node, 2}));
  value_of(batch.store_exception(kKey, Exception{.reason = "before"}));
  value_of(store.write(batch));

  const auto damaged = image_of(*running);  // a crash
  const auto [log_key, whole] = first_log_entry(*damaged);
  put_in_log(*damaged, log_key, whole.substr(0, whole.size() - 1));
  auto without_it = open(damaged);
  CHECK(value_of(read_set_aside(*damaged)).size() == 1);
  value_of(without_it.clear_node(kKey.node_id));

  const auto healed = image_of(*damaged);  // another one
  put_in_log(*healed, log_key, whole);
  auto with_it = open(healed);
  CHECK_FALSE(value_of(with_it.contains(kKey)));
  value_of(with_it.flush());
  CHECK_FALSE(value_of(with_it.contains(kKey)));
}

}  // namespace caveat::test
