#include "engine/delta/generation.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "caveat/write_batch.h"
#include "engine/delta/delta_view.h"
#include "engine/delta/row_memory.h"

using namespace caveat;

namespace {

std::atomic<std::size_t> heap_allocations{0};

Exception exception_of(std::int64_t i) {
  Exception exception;
  exception.actual_value = i;
  exception.created_at = i;
  return exception;
}

void store(Generation& generation, Sequence sequence, const ExceptionKey& key) {
  std::string encoded;
  encode_store_row(key, exception_of(static_cast<std::int64_t>(sequence)), encoded);
  generation.insert(sequence, decode_trusted_row(encoded), encoded);
}

const DeltaRow* newest(const Generation& generation, const ExceptionKey& key, Sequence ceiling) {
  return generation.newest(key, std::hash<ExceptionKey>{}(key), ceiling);
}

}  // namespace

void* operator new(std::size_t bytes) {
  heap_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
  throw std::bad_alloc();
}
// The rest of the family too: sanitizers tell apart what was allocated by one and freed by another.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  heap_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

TEST_CASE("every version of a hot key is found at its own ceiling", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  constexpr Sequence kVersions = 5000;
  for (Sequence s = 1; s <= kVersions; ++s) store(generation, 2 * s, {1, 1});
  for (Sequence s = 1; s <= kVersions; ++s) {
    const DeltaRow* row = newest(generation, {1, 1}, 2 * s + 1);
    REQUIRE(row != nullptr);
    REQUIRE(row->sequence == 2 * s);
    REQUIRE(row->view().to_exception() == exception_of(static_cast<std::int64_t>(2 * s)));
  }
  REQUIRE(newest(generation, {1, 1}, 1) == nullptr);
  REQUIRE(generation.distinct_keys() == 1);
  REQUIRE(generation.rows() == kVersions);
}

TEST_CASE("an old version of a hot key is a few steps away", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  for (Sequence s = 1; s <= 100'000; ++s) store(generation, s, {1, 1});
  for (const Sequence ceiling : {1U, 2U, 777U, 50'000U, 99'998U}) {
    int steps = 0;
    const DeltaRow* row = newest(generation, {1, 1}, kMaxSequence);
    for (; row->sequence > ceiling; ++steps) {
      row = row->depth != 0 && row->link->sequence > ceiling ? row->link : row->older;
    }
    REQUIRE(row->sequence == ceiling);
    REQUIRE(steps < 50);
  }
}

TEST_CASE("a generation grows far beyond its capacity", "[delta]") {
  MemoryPool pool;
  GenerationOptions options;
  options.capacity_rows = 10;
  Generation generation(1, pool, options);
  constexpr std::uint64_t kRows = 60'000;
  const auto key = [](std::uint64_t i) { return ExceptionKey{i / 7, i % 7 * 1000}; };
  for (std::uint64_t i = 0; i < kRows; ++i) store(generation, i + 1, key(i));
  REQUIRE(generation.distinct_keys() == kRows);
  for (std::uint64_t i = 0; i < kRows; ++i) {
    const DeltaRow* row = newest(generation, key(i), kMaxSequence);
    REQUIRE((row != nullptr && row->sequence == i + 1));
  }
  REQUIRE(newest(generation, {kRows, 0}, kMaxSequence) == nullptr);
  REQUIRE(generation.may_have_node(kRows / 7 - 1));
  REQUIRE_FALSE(generation.may_have_node(kRows));
  std::size_t of_node = 0;
  for (const DeltaRow* row = generation.node_head(5); row != nullptr; row = row->link) {
    REQUIRE(row->key.node_id == 5);
    ++of_node;
  }
  REQUIRE(of_node == 7);
  REQUIRE(generation.bytes() > kRows * sizeof(DeltaRow));
  REQUIRE(generation.first_sequence() == 1);
  REQUIRE(generation.last_sequence() == kRows);
}

TEST_CASE("a generation like the one before leaves few outgrown tables behind", "[delta]") {
  MemoryPool pool;
  constexpr Sequence kRows = 50'000;
  const auto bytes_with = [&](const GenerationOptions& options) {
    Generation generation(1, pool, options);
    for (Sequence s = 1; s <= kRows; ++s) store(generation, s, {s % (kRows / 4), s});
    for (Sequence s = 1; s <= kRows; ++s) {
      const DeltaRow* row = newest(generation, {s % (kRows / 4), s}, kMaxSequence);
      REQUIRE((row != nullptr && row->sequence == s));
    }
    REQUIRE(generation.distinct_nodes() == kRows / 4);
    return generation.arena_bytes();
  };
  GenerationOptions expecting;
  expecting.expected_rows = kRows;
  expecting.expected_nodes = kRows / 4;
  // Tables of 16,384 groups of 72 bytes, and of 4,096: what they grew from is as much again.
  CHECK(bytes_with(expecting) + (std::size_t{768} << 10) < bytes_with({}));
  // One that stays small has small tables.
  Generation small(1, pool, expecting);
  store(small, 1, {1, 1});
  CHECK(small.arena_bytes() < std::size_t{256} << 10);
}

TEST_CASE("a generation counts the batches that its rows came in", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  Sequence next = 1;
  for (const std::size_t size : {3, 1, 40}) {
    WriteBatch batch;
    for (std::size_t i = 0; i < size; ++i) {
      REQUIRE(batch.store_exception({next, i}, exception_of(1)).has_value());
    }
    generation.reserve(batch.rows(), batch.count());
    generation.insert_rows(next, batch.rows(), batch.count());
    next += size;
  }
  CHECK(generation.batches() == 3);
  CHECK(generation.rows() == 44);
}

TEST_CASE("an empty generation claims no row", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  REQUIRE(generation.first_sequence() == kMaxSequence);
  REQUIRE(generation.last_sequence() == 0);
  const auto any_rows = [&] {
    return DeltaView(std::vector{std::shared_ptr<const Generation>(
                         std::shared_ptr<const Generation>(), &generation)},
                     kMaxSequence)
        .any_rows();
  };
  REQUIRE_FALSE(any_rows());
  store(generation, 9, {1, 1});
  REQUIRE(any_rows());
  REQUIRE(generation.first_sequence() == 9);
  REQUIRE(generation.last_sequence() == 9);
}

TEST_CASE("inserting after a reserve takes nothing from the heap", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  WriteBatch batch;
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(batch.store_exception(
        ExceptionKey{static_cast<NodeId>(i % 900), hash_property(std::to_string(i))},
        exception_of(i)));
    if (i % 100 == 0) REQUIRE(batch.clear_node(static_cast<NodeId>(i)));
    if (i % 100 == 1) REQUIRE(batch.clear_property(static_cast<PropertyHash>(i)));
    if (i % 100 == 2) REQUIRE(batch.remove_exception({static_cast<NodeId>(i), 5}));
  }
  generation.reserve(batch.rows(), batch.count());
  const std::size_t before = heap_allocations.load();
  generation.insert_rows(1, batch.rows(), batch.count());
  REQUIRE(heap_allocations.load() == before);
  REQUIRE(generation.rows() == batch.count());
  REQUIRE(generation.last_sequence() == batch.count());
}

TEST_CASE("memory reserved for a write that failed goes to the next one", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  const auto batch_of = [](int from, int count) {
    WriteBatch batch;
    for (int i = from; i < from + count; ++i) {
      Exception exception = exception_of(i);
      exception.reason = std::string(static_cast<std::size_t>(i * 37 % 900), 'r');
      REQUIRE(batch.store_exception({static_cast<NodeId>(i), 1}, exception));
    }
    return batch;
  };
  const WriteBatch first = batch_of(0, 200);
  generation.reserve(first.rows(), first.count());
  generation.insert_rows(1, first.rows(), first.count());
  const WriteBatch larger = batch_of(1000, 300);
  generation.reserve(larger.rows(), larger.count());
  const std::size_t once = generation.bytes();
  for (int i = 0; i < 1000; ++i) {
    const WriteBatch refused = batch_of(2000 + i, 1 + i % 300);
    generation.reserve(refused.rows(), refused.count());
  }
  CHECK(generation.bytes() < 2 * once);
  // And what is then stored there is whole.
  const WriteBatch after = batch_of(5000, 250);
  generation.reserve(after.rows(), after.count());
  const std::size_t before = heap_allocations.load();
  generation.insert_rows(1000, after.rows(), after.count());
  REQUIRE(heap_allocations.load() == before);
  const auto check = [&](int from, int count) {
    for (int i = from; i < from + count; ++i) {
      const DeltaRow* row = newest(generation, {static_cast<NodeId>(i), 1}, kMaxSequence);
      REQUIRE(row != nullptr);
      Exception exception = exception_of(i);
      exception.reason = std::string(static_cast<std::size_t>(i * 37 % 900), 'r');
      std::string encoded;
      encode_store_row({static_cast<NodeId>(i), 1}, exception, encoded);
      REQUIRE(row->encoded() == encoded);
    }
  };
  check(0, 200);
  check(5000, 250);
}

TEST_CASE("rows beyond the room that was reserved find more of it", "[delta]") {
  MemoryPool pool;
  GenerationOptions options;
  options.segment_rows = 8;
  Generation generation(1, pool, options);
  const auto batch_of = [](NodeId from, NodeId end) {
    WriteBatch batch;
    for (NodeId node = from; node < end; ++node) {
      REQUIRE(batch.store_exception({node, 1}, exception_of(1)));
    }
    return batch;
  };
  const WriteBatch few = batch_of(0, 3);
  generation.reserve(few.rows(), few.count());  // whose write fails
  const WriteBatch many = batch_of(0, 70);
  generation.insert_rows(1, many.rows(), many.count());
  for (NodeId node = 0; node < 70; ++node) {
    REQUIRE(newest(generation, {node, 1}, kMaxSequence) != nullptr);
  }
}

TEST_CASE("rows that fill their reserved pieces to the last byte take nothing else", "[delta]") {
  MemoryPool pool;
  Arena arena(pool.chunks());
  detail::RowMemory memory(arena);
  constexpr std::size_t kBytes = detail::RowMemory::kPieceBytes;
  memory.begin_reserve(2 * kBytes);
  memory.reserve(kBytes);
  memory.reserve(kBytes);
  const char* const before = arena.allocate_bytes(1);
  const char* const first = memory.take(kBytes);
  CHECK(memory.take(kBytes) != first);
  CHECK(arena.allocate_bytes(1) == before + 1);
}

TEST_CASE("single inserts hardly ever take from the heap", "[delta]") {
  MemoryPool pool;
  Generation generation(1, pool);
  std::string encoded;
  encode_store_row({1, 2}, exception_of(3), encoded);
  RowView row = decode_trusted_row(encoded);
  const std::size_t before = heap_allocations.load();
  constexpr Sequence kRows = 50'000;
  for (Sequence s = 1; s <= kRows; ++s) {
    row.record.key = {s, s};
    generation.insert(s, row, encoded);
  }
  REQUIRE(heap_allocations.load() - before < kRows / 500);
}

TEST_CASE("permutations are made when a query wants them, and paid for in bytes()", "[delta]") {
  MemoryPool pool;
  auto generation = std::make_shared<Generation>(1, pool);
  for (Sequence s = 1; s <= 10'000; ++s) store(*generation, s, {s * 7919 % 10'000, 1});
  const std::vector<std::shared_ptr<const Generation>> generations{generation};
  const DeltaView view(generations, 10'000);
  const std::size_t before = generation->bytes();
  DeltaFilter filter;
  filter.time = {100, 199};
  REQUIRE(view.estimate(filter) == 10'000);  // nothing sorted: all may match
  REQUIRE(view.select(filter).size() == 100);
  REQUIRE(generation->bytes() > before + 10'000);
  REQUIRE(view.estimate(filter) <= 100 + generation->options().unsorted_rows);
  const std::size_t once = generation->bytes();
  REQUIRE(view.select(filter).size() == 100);
  REQUIRE(generation->bytes() == once);
}
