// Damage that maintenance meets: what can be done is done, the indexes stay as they are or are made
// anew, and each is told once.
#include <atomic>
#include <chrono>
#include <thread>

#include "test/engine/patient.h"

namespace caveat::test {

using namespace patient;

TEST_CASE("a rebuild names a partition that is gone, and leaves the indexes as they are",
          "[damage]") {
  Patient patient;
  auto store = patient.filled();
  const std::string key = patient.keys()[5];
  const std::string gone = patient.take_out(5);
  const auto rebuilt = store.rebuild_indexes();
  REQUIRE_FALSE(rebuilt);
  CHECK_THAT(rebuilt.error().message(), Catch::Contains("the container is missing"));
  patient.put_back(key, gone);
  value_of(store.rebuild_indexes());
  require_all_there(store);
}

TEST_CASE("optimizing goes on where an incomplete index cannot be made anew", "[damage]") {
  for (const bool before : {true, false}) {  // the rewrite meets the damage, or only the rebuild
    Patient patient;
    auto store = patient.filled();
    patient.ailment->walks[Family::source] = ErrorCode::corruption;
    CHECK(value_of(store.query_by_source(ExceptionSource::Conflict)).empty());
    patient.ailment->walks.clear();
    const auto make_ill = [&] { patient.make_ill(4, ErrorCode::corruption); };
    if (before) make_ill();
    CallsAt sink("merge indexes", make_ill);
    const auto done = value_of(store.optimize_storage(&sink));
    CHECK(done.indexes_rebuilt == 0);
    CHECK(done.partitions_skipped == (before ? 1 : 0));
    REQUIRE(done.first_error);
    CHECK_THAT(done.first_error->message(), Catch::Contains("a bad place"));
    patient.ailment->places.clear();
    CHECK(value_of(store.optimize_storage()).indexes_rebuilt == 1);
    require_all_there(store);
  }
}

TEST_CASE("optimizing that finds an index damaged when it measures makes it anew", "[damage]") {
  Patient patient;
  auto store = patient.filled();
  patient.ailment->walks[Family::source] = ErrorCode::io_error;
  const auto failed = store.optimize_storage();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  patient.ailment->walks[Family::source] = ErrorCode::corruption;
  CallsAt sink("write indexes", [&] { patient.ailment->walks.clear(); });
  CHECK(value_of(store.optimize_storage(&sink)).indexes_rebuilt == 1);
  CHECK(patient.told_of("the source index is damaged") == 1);
  require_all_there(store);
}

TEST_CASE("damage that a reader of before the last rebuild finds is not that of the new index",
          "[damage]") {
  Patient patient;
  auto store = patient.filled();
  Query query;
  query.source = ExceptionSource::Conflict;
  {
    const Snapshot old = store.snapshot();
    value_of(store.rebuild_indexes());
    patient.ailment->walks[Family::source] = ErrorCode::corruption;
    for (int i = 0; i < 2; ++i) {
      CHECK(value_of(store.count(query, &old)) == 0);
      CHECK(patient.told_of("index is damaged") == 0);
    }
  }
  // Of the new one it is told once, by whomever it is found.
  const Snapshot now = store.snapshot();
  for (int i = 0; i < 2; ++i) {
    CHECK(value_of(store.count(query, &now)) == 0);
    CHECK(patient.told_of("the source index is damaged") == 1);
  }
}

TEST_CASE("what the backend says of an index while it is made anew was of the old one",
          "[damage]") {
  Patient patient;
  auto store = patient.filled();
  patient.ailment->walks[Family::source] = ErrorCode::corruption;
  CHECK(value_of(store.query_by_source(ExceptionSource::Conflict)).empty());
  patient.ailment->walks.clear();
  CallsAt sink("write indexes", [&] {
    patient.ailment->observer->on_family_damaged(Family::source,
                                                 {ErrorCode::corruption, "an old table"});
  });
  value_of(store.rebuild_indexes(&sink));
  CHECK(value_of(store.verify()).incomplete_indexes.empty());
  CHECK(patient.told_of("an old table") == 0);
  require_all_there(store);
}

TEST_CASE("what maintenance cannot read in the background is told, and fails no write",
          "[damage][threads]") {
  const auto code = GENERATE(ErrorCode::unsupported_format, ErrorCode::io_error);
  const bool damage = code == ErrorCode::unsupported_format;  // of a disk it is more than that
  std::atomic<int> told = 0;
  Patient patient;
  {
    auto store = patient.filled();
    value_of(store.clear_property(kProperty));
    value_of(store.flush());
    value_of(store.close());
  }
  // From before the threads are there.
  patient.ailment->walks[Family::property] = code;
  patient.options.background_maintenance = true;
  patient.options.on_background_error = [&](const StorageError&) { ++told; };
  auto store = patient.open();
  for (int i = 0; told == 0 && i < 2000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(told > 0);
  std::size_t written = 0;
  bool refused = false;
  for (int i = 0; !refused && i < (damage ? 10 : 2000); ++i) {
    refused = !store.store_exception({written, kProperty}, exception_of(written));
    if (!refused) ++written;
    if (!damage) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(refused != damage);
  CHECK(value_of(store.count({})) == written);
}

TEST_CASE("a block with a property that nobody knows is passed over by maintenance", "[damage]") {
  Patient other;
  other.options.partition_records = 256;
  std::string block;
  {
    auto store = other.open();
    store_nodes(store, hash_property("before it"), 0, 10, exception_of);
    value_of(store.flush());
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.flush());
    const auto key = other.keys()[2];
    const auto container = stored_under(*other.backend, Family::primary, key);
    block = *value_of(parse_container(container)).block;
  }
  Patient patient;
  auto store = patient.filled();
  const auto keys = patient.keys();
  std::string container;
  append_container_header(
      value_of(summarise_container(stored_under(*patient.backend, Family::primary, keys[2]))).id,
      container);
  patient.put_back(keys[2], container + block);
  const auto done = value_of(store.optimize_storage());
  CHECK(done.partitions_skipped == 1);
  REQUIRE(done.first_error);
  CHECK_THAT(done.first_error->message(), Catch::Contains("not in the catalogue"));
  CHECK_FALSE(value_of(store.verify()).sound());
}

}  // namespace caveat::test
