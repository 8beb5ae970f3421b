// A bulk load is encoded in pieces by several threads: nothing of that may be seen.
#include <algorithm>

#include "engine/delta/delta_record.h"
#include "engine/model/varint.h"
#include "pool/worker_pool.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception numbered(std::int64_t number) {
  Exception exception;
  exception.actual_value = number;
  return exception;
}

std::vector<ExceptionRecord> records_of(std::size_t count) {
  std::vector<ExceptionRecord> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    records[i] = {{i, kProperty}, numbered(static_cast<std::int64_t>(i))};
  }
  return records;
}

}  // namespace

TEST_CASE("of one key in all pieces of a bulk load the last counts", "[bulk][threads]") {
  StorageOptimizer store;
  auto records = records_of(20'000);
  for (std::size_t i = 0; i < records.size(); i += 50) records[i].key.node_id = 1'000'000;
  CHECK(value_of(store.bulk_store(records)) == 20'000 - 400 + 1);
  CHECK(value_of(store.retrieve_exception({1'000'000, kProperty})) == numbered(19'950));
  CHECK(value_of(store.count({})) == 20'000 - 400 + 1);
  value_of(store.flush());
  CHECK(value_of(store.retrieve_exception({1'000'000, kProperty})) == numbered(19'950));
}

TEST_CASE("of several bad records of a bulk load the first is named", "[bulk][threads]") {
  StorageOptimizer store;
  auto records = records_of(20'000);
  for (const std::size_t bad : {19'999U, 12'345U, 12'346U, 7'001U}) {
    records[bad].exception.confidence = 2.0F;
    const auto refused = store.bulk_store(records);
    REQUIRE_FALSE(refused);
    INFO(refused.error().message());
    CHECK_THAT(refused.error().message(),
               Catch::Contains("record " + std::to_string(bad == 12'346U ? 12'345U : bad)));
  }
  CHECK(value_of(store.count({})) == 0);
}

// Each piece has room for its share of a chunk alone: those behind a full one wait for the next.
TEST_CASE("records of very different sizes are all stored by a bulk load", "[bulk][threads]") {
  StorageOptimizer store;
  auto records = records_of(12'000);
  for (std::size_t i = 2'000; i < 3'000; ++i) {
    records[i].exception.reason.assign(20'000, static_cast<char>('a' + i % 26));
  }
  CHECK(value_of(store.bulk_store(records)) == records.size());
  CHECK(value_of(store.count({})) == records.size());
  for (std::size_t i = 0; i < records.size(); i += 7) {
    INFO(i);
    CHECK(value_of(store.retrieve_exception(records[i].key)) == records[i].exception);
  }
}

namespace {

// What one commit brought into the log (docs/format/delta.md).
struct LoggedCommit {
  std::vector<DeltaRecordKey> keys;
  std::vector<std::size_t> counts;
  std::size_t bytes = 0;  // unpacked
};

class WatchedLog final : public BackendDouble {
 public:
  WatchedLog(std::shared_ptr<KvBackend> inner, std::vector<LoggedCommit>& commits)
      : BackendDouble(std::move(inner)), commits_(commits) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    constexpr std::size_t kCountAt = 8;
    constexpr std::size_t kRawSizeAt = 12;
    LoggedCommit commit;
    for (std::size_t i = 0; i < batch.count(); ++i) {
      const auto entry = batch.entry(i);
      if (entry.family != Family::delta || entry.op != KvBatch::Op::put) continue;
      commit.keys.push_back(value_of(decode_delta_key(entry.key)));
      commit.counts.push_back(load_fixed<std::uint32_t>(entry.value.data() + kCountAt));
      commit.bytes += load_fixed<std::uint32_t>(entry.value.data() + kRawSizeAt);
    }
    if (!commit.keys.empty()) commits_.push_back(std::move(commit));
    return BackendDouble::write(batch, durability);
  }

 private:
  std::vector<LoggedCommit>& commits_;
};

}  // namespace

TEST_CASE("a chunk of a bulk load ends with the record that fills it, in whichever piece",
          "[bulk][threads]") {
  constexpr std::size_t kLarge = StorageOptimizer::kBulkChunkBytes + 1;
  std::vector<LoggedCommit> commits;
  auto store = value_of(
      StorageOptimizer::open(std::make_unique<WatchedLog>(shared_memory_backend(), commits), {}));
  auto records = records_of(4'096);
  // The last ones of pieces, however many there are: each found room before it.
  for (std::size_t i = 1'023; i < records.size(); i += 1'024) {
    records[i].exception.reason.assign(kLarge, static_cast<char>('a' + i / 1'024));
  }
  CHECK(value_of(store.bulk_store(records)) == records.size());
  for (const LoggedCommit& commit : commits) {
    CHECK(commit.bytes < StorageOptimizer::kBulkChunkBytes + kLarge);
  }
  CHECK(value_of(store.count({})) == records.size());
  for (std::size_t i = 511; i < records.size(); i += 512) {
    CHECK(value_of(store.retrieve_exception(records[i].key)) == records[i].exception);
  }
}

// Each piece is logged as a record of its own, packed by whoever has time; the commit is one.
TEST_CASE("the pieces of a bulk load are logged together under sequences that follow each other",
          "[bulk][threads]") {
  std::vector<LoggedCommit> commits;
  auto records = records_of(20'000);
  for (std::size_t i = 0; i < records.size(); i += 10) records[i].key.node_id = 1'000'000 + i % 70;
  Options options;
  options.background_maintenance = false;  // nothing leaves the log
  const auto inner = shared_memory_backend();
  {
    auto store =
        value_of(StorageOptimizer::open(std::make_unique<WatchedLog>(inner, commits), options));
    value_of(store.bulk_store(records));
  }
  REQUIRE(commits.size() == 1);
  const LoggedCommit& commit = commits.front();
  CHECK((commit.keys.size() > 1) == (WorkerPool::default_threads() > 1));
  std::size_t rows = 0;
  for (std::size_t i = 0; i < commit.keys.size(); ++i) {
    CHECK(commit.keys[i].generation == commit.keys[0].generation);
    CHECK(commit.keys[i].first_sequence == commit.keys[0].first_sequence + rows);
    rows += commit.counts[i];
  }
  CHECK(rows == records.size());

  auto again =
      value_of(StorageOptimizer::open(std::make_unique<WatchedLog>(inner, commits), options));
  for (std::size_t i = 0; i < 7; ++i) {  // the last of each
    const std::size_t last = 19'990 - 10 * i;
    INFO(last);
    CHECK(value_of(again.retrieve_exception(records[last].key)) == records[last].exception);
  }
  CHECK(value_of(again.count({})) == 18'000 + 7);
}

TEST_CASE("a bulk load of views says the same as one of records", "[bulk][threads]") {
  StorageOptimizer from_records;
  StorageOptimizer from_views;
  const auto records = records_of(10'000);
  value_of(from_records.bulk_store(records));
  std::vector<ExceptionView> views;
  std::vector<PinnedException> pins;
  for (const auto& record : records) {
    pins.push_back(std::move(*value_of(from_records.retrieve_view(record.key))));
    views.push_back(*pins.back());
  }
  CHECK(value_of(from_views.bulk_store(views)) == records.size());
  for (const auto& record : records) {
    CHECK(value_of(from_views.retrieve_exception(record.key)) == record.exception);
  }
}

}  // namespace caveat::test
