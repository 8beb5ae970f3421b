// Lost writes as a host in C sees them: named by verify, until it says that they may be forgotten.
#include "caveat/c.h"
#include "engine/store/engine.h"
#include "test/support/stores.h"

namespace caveat::test {

TEST_CASE("a host in C is told of lost writes until it forgets them") {
  const ScratchDirectory directory;
  const auto path = (directory.path() / "store").string();
  {
    auto store = value_of(StorageOptimizer::open(path));
    value_of(store.store_exception({1, 2}, {}));
    KvBatch batch;
    batch.put(Family::delta, "no key", "no record");
    value_of(store.engine().core().backend->write(batch, Durability::fsync));
    value_of(store.close());
  }
  caveat_store* store = nullptr;
  caveat_verification found{};
  found.size = sizeof found;
  const auto sound = [&] {
    REQUIRE(caveat_verify(store, nullptr, nullptr, &found, nullptr, nullptr) == CAVEAT_OK);
    return found.sound == 1;
  };
  const auto open = [&] { return caveat_open(path.c_str(), nullptr, &store, nullptr); };
  REQUIRE(open() == CAVEAT_OK);
  CHECK_FALSE(sound());
  CHECK(found.error_count == 1);
  std::uint64_t forgotten = 0;
  REQUIRE(caveat_forget_lost_writes(store, &forgotten, nullptr) == CAVEAT_OK);
  CHECK(forgotten == 1);
  REQUIRE(caveat_forget_lost_writes(store, &forgotten, nullptr) == CAVEAT_OK);
  CHECK(forgotten == 0);
  CHECK(sound());
  CHECK(found.records == 1);
  REQUIRE(caveat_close(store, nullptr) == CAVEAT_OK);
  CHECK(caveat_forget_lost_writes(store, nullptr, nullptr) == CAVEAT_CLOSED);
  caveat_store_release(store);
  REQUIRE(open() == CAVEAT_OK);
  CHECK(sound());
  caveat_store_release(store);
}

}  // namespace caveat::test
