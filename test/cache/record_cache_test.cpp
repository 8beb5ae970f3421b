// Hot records: valid only under the stamp they were read with.
#include "engine/cache/record_cache.h"

#include <catch2/catch.hpp>
#include <string>

#include "test/support/counting_heap.h"

using namespace caveat;

namespace {

ExceptionView view_of(std::uint64_t node, std::string_view reason) {
  ExceptionView view;
  view.key = {node, 9};
  view.inherited_value = ValueView(ValueKind::String, "flies");
  view.actual_value = ValueView(ValueKind::Null, {});
  view.reason = reason;
  view.created_at = -5;
  view.confidence = 0.25F;
  view.source = ExceptionSource::Conflict;
  return view;
}

}  // namespace

TEST_CASE("record cache: gives back what was put in, as a copy of its own") {
  RecordCache cache(1 << 20);
  std::string reason = "a penguin swims";
  CHECK_FALSE(cache.insert({1, 1}, view_of(7, reason)));
  CHECK(cache.insert({1, 1}, view_of(7, reason)));
  reason.assign("overwritten text");
  const auto record = cache.lookup({7, 9}, {1, 1});
  REQUIRE(record != nullptr);
  const ExceptionView& view = record->view();
  CHECK(view.key == ExceptionKey{7, 9});
  CHECK(view.inherited_value == ValueView(ValueKind::String, "flies"));
  CHECK(view.actual_value.kind() == ValueKind::Null);
  CHECK(view.reason == "a penguin swims");
  CHECK(view.created_at == -5);
  CHECK(view.confidence == 0.25F);
  CHECK(view.source == ExceptionSource::Conflict);
}

TEST_CASE("record cache: a copy that a reader holds is kept without another one") {
  RecordCache cache(1 << 20);
  const std::string reason = "why";
  const auto copy = PinnedRecord::make({1, 1}, view_of(7, reason));
  REQUIRE(copy != nullptr);
  CHECK_FALSE(cache.insert(copy));  // wanted once
  CHECK(cache.insert(copy));
  CHECK(cache.lookup(copy->view().key, {1, 1}) == copy);
  CHECK(cache.lookup(copy->view().key, {1, 2}) == nullptr);
  CHECK_FALSE(
      cache.insert(PinnedRecord::make({1, 1}, view_of(8, std::string(5000, 'x'))), Admission::now));
}

TEST_CASE("record cache: another stamp is a miss, and the new record replaces the old one") {
  RecordCache cache(1 << 20);
  CHECK(cache.insert({1, 1}, view_of(7, "old"), Admission::now));
  CHECK(cache.lookup({7, 9}, {1, 2}) == nullptr);
  CHECK(cache.lookup({7, 9}, {2, 1}) == nullptr);
  CHECK(cache.statistics().misses == 2);
  const auto bytes = cache.bytes();
  CHECK(cache.insert({1, 2}, view_of(7, "new")));  // its key was touched before
  CHECK(cache.bytes() == bytes);
  CHECK(cache.lookup({7, 9}, {1, 1}) == nullptr);
  CHECK(cache.lookup({7, 9}, {1, 2})->view().reason == "new");
}

TEST_CASE("record cache: a pin of retrieve_view outlives the cache's entry") {
  RecordCache cache(1 << 20);
  CHECK(cache.insert({1, 1}, view_of(7, "why"), Admission::now));
  auto record = cache.lookup({7, 9}, {1, 1});
  const ExceptionView view = record->view();
  const PinnedException pinned(view, std::move(record));
  cache.clear();
  CHECK(pinned->reason == "why");
}

TEST_CASE("record cache: large records stay out") {
  RecordCache cache(1 << 20);
  CHECK_FALSE(cache.insert({1, 1}, view_of(7, std::string(5000, 'x')), Admission::now));
  CHECK(cache.insert({1, 1}, view_of(7, std::string(4000, 'x')), Admission::now));
}

TEST_CASE("record cache: a record is one allocation, and the charge covers the heap's bytes") {
  for (const std::size_t length : {0, 1, 7, 50, 333, 4000}) {
    const std::string reason(length, 'x');
    const auto view = view_of(7, reason);
    const auto allocations = heap_allocations.load();
    const auto bytes = heap_bytes.load();
    const auto record = PinnedRecord::make({1, 1}, view);
    CHECK(heap_allocations.load() - allocations == 1);
    const auto real = heap_bytes.load() - bytes;
    INFO("length " << length << ", real " << real << ", charged " << record->bytes());
    CHECK(record->bytes() >= real);
    CHECK(record->bytes() <= real + 32);
  }
}

TEST_CASE("record cache: what it says it holds is what the heap gave") {
  const auto before = heap_bytes.load();
  RecordCache cache(1 << 20);
  for (std::uint64_t node = 0; node < 500; ++node) {
    CHECK(cache.insert({1, 1}, view_of(node, "a reason of a usual length"), Admission::now));
  }
  const auto real = heap_bytes.load() - before;
  INFO("real " << real << ", said " << cache.bytes());
  CHECK(double(cache.bytes()) > 0.9 * double(real));
  CHECK(double(cache.bytes()) < 1.1 * double(real));
}
