// Delta records that were set aside: read, and forgotten, however many there are.
#include "engine/store/set_aside.h"

#include <catch2/catch.hpp>

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

}  // namespace caveat::test
