// One writer, several readers: what a ceiling publishes is there as a whole, and stays.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "caveat/write_batch.h"
#include "engine/delta/delta_view.h"
#include "pool/arena.h"

using namespace caveat;

namespace {

constexpr std::uint64_t kKeys = 16;       // all written by each batch, with the batch's number
constexpr std::uint64_t kBatches = 3000;  // the table grows on the way
constexpr std::uint64_t kPropertyAll = 77;

// A batch gives every key of node 1 its number, and adds one row of a new node.
void make_batch(std::uint64_t number, WriteBatch& batch) {
  batch.clear();
  Exception exception;
  exception.created_at = static_cast<std::int64_t>(number);
  bool ok = true;
  for (std::uint64_t k = 0; k < kKeys; ++k) {
    ok = ok && batch.store_exception(ExceptionKey{1, k}, exception).has_value();
  }
  ok =
      ok && batch.store_exception(ExceptionKey{1000 + number, kPropertyAll}, exception).has_value();
  if (number % 50 == 0) ok = ok && batch.clear_property(12345).has_value();
  CAVEAT_ASSERT(ok);
  static_cast<void>(ok);
}

struct Shared {
  MemoryPool pool;
  std::shared_ptr<Generation> generation;
  std::vector<std::shared_ptr<const Generation>> generations;
  // The number of the last batch, and its last sequence: published together in the ceiling.
  std::atomic<Sequence> ceiling{0};
  std::atomic<std::uint64_t> torn{0};
  std::atomic<bool> done{false};
};

constexpr Sequence kPerBatch = 32;  // each batch takes this many sequences, used or not

bool is_whole(const DeltaView& view, std::uint64_t round) {
  const std::uint64_t number = view.ceiling() / kPerBatch;
  if (number == 0) return true;
  for (std::uint64_t k = 0; k < kKeys; ++k) {
    const DeltaHit hit = view.lookup({1, k});
    if (hit.row == nullptr || hit.row->created_at != static_cast<std::int64_t>(number)) {
      return false;
    }
  }
  // Every batch so far has its row; the next has none yet.
  if (view.lookup({1000 + number, kPropertyAll}).row == nullptr) return false;
  if (view.lookup({1000 + 1 + round % number, kPropertyAll}).row == nullptr) return false;
  if (view.shadows({1001 + number, kPropertyAll})) return false;
  if (round % 16 != 0) return true;

  DeltaFilter of_node;
  of_node.node = 1;
  if (view.select(of_node).size() != kKeys) return false;
  DeltaFilter recent;
  recent.property = kPropertyAll;
  recent.time = {static_cast<std::int64_t>(number > 100 ? number - 99 : 1), 1 << 30};
  return view.select(recent).size() == std::min<std::uint64_t>(number, 100);
}

}  // namespace

TEST_CASE("readers see whole batches while one thread writes", "[delta][threads]") {
  Shared shared;
  GenerationOptions options;
  options.segment_rows = 512;
  options.unsorted_rows = 64;
  shared.generation = std::make_shared<Generation>(1, shared.pool, options);
  shared.generations = {shared.generation};

  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&shared] {
      std::uint64_t round = 0;
      do {
        const DeltaView view(shared.generations, shared.ceiling.load(std::memory_order_acquire));
        if (!is_whole(view, round++)) shared.torn.fetch_add(1);
      } while (!shared.done.load(std::memory_order_acquire));
    });
  }
  WriteBatch batch;
  for (std::uint64_t number = 1; number <= kBatches; ++number) {
    make_batch(number, batch);
    shared.generation->insert_rows(number * kPerBatch, batch.rows(), batch.count());
    shared.ceiling.store(number * kPerBatch + batch.count() - 1, std::memory_order_release);
  }
  shared.done.store(true, std::memory_order_release);
  for (auto& reader : readers) reader.join();
  REQUIRE(shared.torn.load() == 0);
}

TEST_CASE("a ceiling inside a batch shows as a torn one", "[delta][threads]") {
  // The check above must be able to fail.
  Shared shared;
  shared.generation = std::make_shared<Generation>(1, shared.pool);
  shared.generations = {shared.generation};
  WriteBatch batch;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    make_batch(number, batch);
    shared.generation->insert_rows(number * kPerBatch, batch.rows(), batch.count());
  }
  REQUIRE(is_whole(DeltaView(shared.generations, 3 * kPerBatch + kKeys), 0));
  REQUIRE_FALSE(is_whole(DeltaView(shared.generations, 3 * kPerBatch + kKeys / 2), 0));
}
