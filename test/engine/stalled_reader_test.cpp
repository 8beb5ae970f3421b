// A reader that stalls: a cursor is opened, and everything is written over, again and again, before
// it goes on. Writers do not wait for it, and what it costs is told.
#include <thread>

#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");
constexpr NodeId kNodes = kSanitized ? 6'000 : 20'000;
constexpr int kRounds = 5;
constexpr NodeId kWriters = 2;

Exception exception_of(NodeId node, int round) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919 + static_cast<NodeId>(round));
  exception.reason = "round " + std::to_string(round) + " of node " + std::to_string(node * node);
  return exception;
}

// Writes every node anew, kWriters threads sharing them.
void write_all(StorageOptimizer& store, int round) {
  std::atomic<int> failed{0};
  std::vector<std::thread> writers;
  for (NodeId writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      constexpr NodeId kBatch = 500;
      for (NodeId from = writer * kBatch; from < kNodes; from += kWriters * kBatch) {
        std::vector<ExceptionRecord> records;
        for (NodeId node = from; node < from + kBatch && node < kNodes; ++node) {
          records.push_back({{node, kProperty}, exception_of(node, round)});
        }
        if (!store.bulk_store(records)) ++failed;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  REQUIRE(failed == 0);
}

NodeId read_on(Cursor& cursor, NodeId from, NodeId to, int round) {
  NodeId node = from;
  for (; node < to; ++node) {
    const ExceptionView* view = value_of(cursor.next());
    if (view == nullptr) break;
    if (view->to_record() != ExceptionRecord{{node, kProperty}, exception_of(node, round)}) {
      FAIL("the cursor gave another record of node " << node);
    }
  }
  return node;
}

void stall_a_reader(Backend backend) {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 256 << 10;
  options.partition_records = 64;
  options.compression = CompressionAlgorithm::None;
  TestStore store(backend, options);
  write_all(*store, 0);
  value_of(store->optimize_storage());
  const auto before = store->estimate_storage_statistics();
  CHECK(before.open_views == 0);
  CHECK(before.pinned_versions == 0);
  CHECK(before.pinned_memory_bytes == 0);
  CHECK(before.pinned_stored_bytes == 0);

  std::optional<Cursor> cursor = value_of(store->query(Query{}));
  NodeId read = read_on(*cursor, 0, 100, 0);
  for (int round = 1; round <= kRounds; ++round) {
    write_all(*store, round);
    value_of(store->flush());
  }
  const auto stalled = store->estimate_storage_statistics();
  CHECK(stalled.folds > before.folds);  // which writers and folds did meanwhile
  CHECK(stalled.open_views == 1);
  CHECK(stalled.oldest_view_age_ns > 0);
  CHECK(stalled.pinned_versions == 1);
  // All partitions as they were, once; not what came and went meanwhile.
  CHECK(stalled.pinned_stored_bytes >= before.compression.compressed_bytes);
  CHECK(stalled.pinned_stored_bytes <= before.compression.compressed_bytes * 2);
  CHECK(stalled.pinned_memory_bytes > 0);
  CHECK(stalled.pinned_memory_bytes <= before.index_memory_bytes + options.delta_bytes);
  CHECK(stalled.memory_bytes <= options.memory_budget_bytes * 11 / 10 + stalled.index_memory_bytes);

  // What is pinned cannot be given back, and nothing else is kept for its sake.
  const auto with_reader = value_of(store->compact_storage());
  read = read_on(*cursor, read, kNodes, 0);
  CHECK(read == kNodes);
  CHECK(value_of(cursor->next()) == nullptr);
  cursor.reset();
  const auto after = store->estimate_storage_statistics();
  CHECK(after.open_views == 0);
  CHECK(after.pinned_versions == 0);
  CHECK(after.pinned_stored_bytes == 0);
  if (store.persistent()) {
    const auto without = value_of(store->compact_storage());
    const auto given_back = with_reader.disk_bytes_after - without.disk_bytes_after;
    CHECK(without.disk_bytes_after < with_reader.disk_bytes_after);
    CHECK(given_back >= before.compression.compressed_bytes * 3 / 4);
    CHECK(given_back <= stalled.pinned_stored_bytes * 3 / 2);
  }
  cursor = value_of(store->query(Query{}));
  CHECK(read_on(*cursor, 0, kNodes, kRounds) == kNodes);
}

}  // namespace

TEST_CASE("a stalled reader keeps nobody waiting, and statistics say what it holds", "[threads]") {
  stall_a_reader(Backend::memory);
}

TEST_CASE("a stalled reader on rocksdb keeps no more on disk than statistics say", "[threads]") {
  stall_a_reader(Backend::rocksdb);
}

}  // namespace caveat::test
