// Steps on indexes one by one, where a write or a walk fails: nothing of a step that failed is
// kept, and what is left out of a batch is said in that very batch.
#include "test/engine/patient.h"

namespace caveat::test {

using namespace patient;

namespace {

// As filled(), and overwritten some times, so that containers of each family have changes to merge.
StorageOptimizer with_changes(Patient& patient) {
  auto store = patient.filled();
  for (int round = 1; round < 4; ++round) {
    store_nodes(store, kProperty, 0, kNodes, [&](NodeId node) {
      Exception exception = exception_of(node);
      exception.created_at += round * 3'600'000'000'000;
      exception.confidence = static_cast<float>((node + 1) * round % 101) / 100.0F;
      return exception;
    });
    value_of(store.flush());
  }
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  value_of(store.flush());
  value_of(store.engine().core().indexes->queue_all());
  return store;
}

std::uint64_t index_bytes(StorageOptimizer& store) {
  std::uint64_t bytes = 0;
  for (const auto& index : store.estimate_storage_statistics().indexes) {
    if (index.name != "primary") bytes += index.bytes;
  }
  return bytes;
}

std::size_t merge_all(StorageOptimizer& store) {
  std::size_t steps = 0;
  while (value_of(mutator_of(store).rewrite_index_container())) ++steps;
  return steps;
}

bool is_complete(StorageOptimizer& store, Family family) {
  const auto version = store.engine().core().versions.current();
  return version->index_complete[static_cast<std::size_t>(family)];
}

}  // namespace

TEST_CASE("index containers whose merge cannot be written are merged the next time") {
  Patient patient;
  auto store = with_changes(patient);
  for (const Family family : kIndexFamilies) patient.ailment->writes[family] = ErrorCode::io_error;
  const auto failed = mutator_of(store).rewrite_index_container();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  patient.ailment->writes.clear();
  value_of(store.engine().core().indexes->queue_all());
  CHECK(merge_all(store) > 0);
  // Nor is a fold held up.
  store_nodes(store, kProperty, 0, 100, exception_of);
  value_of(store.flush());
  require_all_there(store);
}

TEST_CASE("when all index containers are merged their sizes are known and the old ones let go") {
  Patient patient;
  auto store = with_changes(patient);
  const auto snapshot = [&] { return store.engine().core().versions.current()->backend_snapshot; };
  const auto before = snapshot();
  CHECK(merge_all(store) > 0);
  CHECK(snapshot() != before);
  std::uint64_t stored = 0;
  for (const Family family : kIndexFamilies) {
    for (const auto& key : patient.keys(family)) {
      stored += key.size() + stored_under(*patient.backend, family, key).size();
    }
  }
  CHECK(index_bytes(store) == stored);
}

TEST_CASE("damage that the backend finds in an index is marked and written down by one step",
          "[damage]") {
  Patient patient;
  auto store = patient.filled();
  CHECK_FALSE(value_of(mutator_of(store).settle_indexes()));
  patient.ailment->observer->on_family_damaged(Family::source,
                                               {ErrorCode::corruption, "a bad table"});
  CHECK(value_of(mutator_of(store).settle_indexes()));
  CHECK(patient.told_of("a bad table") == 1);
  CHECK_FALSE(value_of(mutator_of(store).settle_indexes()));
  for (const Family family : kIndexFamilies) {
    CHECK(is_complete(store, family) == (family != Family::source));
  }
  const auto whole = patient.backend;
  patient.crash();
  {
    auto crashed = patient.open();
    CHECK_FALSE(is_complete(crashed, Family::source));
  }
  patient.backend = whole;
  value_of(store.rebuild_indexes());
  CHECK(is_complete(store, Family::source));
  require_all_there(store);
}

TEST_CASE("a rebuild that meets a damaged index makes it without reading it", "[damage]") {
  Patient patient;
  auto store = patient.filled();
  patient.ailment->walks[Family::confidence] = ErrorCode::io_error;
  const auto failed = store.rebuild_indexes();  // the next try may read it
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  patient.ailment->walks.clear();
  value_of(store.rebuild_indexes());
  patient.ailment->walks[Family::confidence] = ErrorCode::corruption;
  value_of(store.rebuild_indexes());
  for (const Family family : kIndexFamilies) CHECK(is_complete(store, family));
  patient.ailment->walks.clear();
  require_all_there(store);
}

// What comes after the batch may be lost, and the index of a disk that reads well again is
// believed.
TEST_CASE("a crash in the fold that finds an index damaged loses no answer", "[damage][crash]") {
  const auto rare = [](NodeId node) {
    Exception exception = exception_of(node);
    exception.source = ExceptionSource::Conflict;
    return exception;
  };
  Patient patient;
  value_of(patient.filled().close());
  const auto images = std::make_shared<KeepsImages::Images>();
  patient.backend = std::make_shared<KeepsImages>(patient.backend, images);
  auto store = patient.open();
  store_nodes(store, kProperty, 100, 600, rare);  // no partition is new, for which more is written
  patient.ailment->walks[Family::source] = ErrorCode::corruption;
  images->keep = true;
  value_of(store.flush());
  images->keep = false;
  CHECK(patient.told_of("the source index is damaged") == 1);
  patient.ailment->walks.clear();
  REQUIRE(images->after.size() > 1);
  for (const auto& image : images->after) {
    patient.backend = image;
    auto crashed = patient.open();
    for (int folded = 0; folded < 2; ++folded) {
      CHECK(value_of(crashed.query_by_source(ExceptionSource::Conflict)).size() == 500);
      value_of(crashed.flush());
    }
    CHECK(value_of(crashed.verify()).errors.empty());
  }
}

}  // namespace caveat::test
