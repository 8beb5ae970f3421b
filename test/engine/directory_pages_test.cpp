// Pages of the directory are believed after any crash only as far as they are true.
#include <fmt/format.h>

#include "engine/maintenance/directory_marks.h"
#include "engine/store/directory_page.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node * 7919);
  return exception;
}

// Many small partitions, so that writing the pages takes several batches.
Options small_partitions() {
  Options options;
  options.partition_records = 16;
  options.background_maintenance = false;
  return options;
}

constexpr NodeId kNodes = 120'000;

void store_every_third(StorageOptimizer& store, NodeId from) {
  std::vector<ExceptionRecord> records;
  for (NodeId node = from; node < kNodes; node += 3) {
    records.push_back({{node, kProperty}, exception_of(node)});
  }
  value_of(store.bulk_store(records));
}

std::vector<std::string> faults_of(const std::shared_ptr<KvBackend>& crashed, NodeId step) {
  auto store = value_of(
      StorageOptimizer::open(std::make_unique<BackendDouble>(crashed), small_partitions()));
  for (NodeId node = 0; node < kNodes; node += step) {
    REQUIRE(value_of(store.contains({node, kProperty})) == (node % 3 != 2));
  }
  return value_of(store.verify()).errors;
}

PartitionGroup group_of(NodeId first, NodeId last) {
  std::vector<PartitionEntry> entries;
  for (NodeId node = first; node < last; ++node) {
    PartitionEntry entry;
    entry.lower = {node, 0};
    entry.id = node + 1;
    entries.push_back(std::move(entry));
  }
  return PartitionGroup(std::move(entries));
}

// Fails the writes of pages from the second on, while `fail_now` is set.
class FailsPages final : public BackendDouble {
 public:
  FailsPages(std::shared_ptr<KvBackend> inner, std::shared_ptr<std::atomic<int>> pages_left)
      : BackendDouble(std::move(inner)), pages_left_(std::move(pages_left)) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const auto first = batch.entry(0);
    const bool pages = first.family == Family::meta && first.key.starts_with('D');
    if (pages && (*pages_left_)-- <= 0) return fail(ErrorCode::io_error, "planted: no more pages");
    return BackendDouble::write(batch, durability);
  }

 private:
  std::shared_ptr<std::atomic<int>> pages_left_;
};

}  // namespace

TEST_CASE("a page that was made better is marked before a change all the same", "[regression]") {
  DirectoryMarks marks;
  marks.add_clean(group_of(0, 10), ExceptionKey{10, 0});
  marks.add_clean(group_of(10, 20), std::nullopt);
  marks.improve({12, 7});
  KvBatch batch;
  marks.mark({12, 7}, ExceptionKey{13, 0}, batch);
  REQUIRE(batch.count() == 1);
  CHECK(batch.entry(0).key == directory_mark_key({10, 0}));
  marks.committed();
  batch.clear();
  marks.mark({12, 7}, std::nullopt, batch);
  CHECK(batch.empty());  // once is enough
}

TEST_CASE("a page is believed only if the next one is there", "[regression]") {
  std::string bytes;
  encode_directory_page(group_of(0, 10).entries, ExceptionKey{10, 0}, bytes);
  const auto page = value_of(decode_directory_page(bytes, true));
  CHECK(page.upper == ExceptionKey{10, 0});
  CHECK(page.entries.size() == 10);
  bytes.clear();
  encode_directory_page(group_of(0, 10).entries, std::nullopt, bytes);
  CHECK(value_of(decode_directory_page(bytes, true)).upper == std::nullopt);
  bytes.clear();
  encode_directory_page(group_of(0, 10).entries, ExceptionKey{9, 0}, bytes);
  CHECK(decode_directory_page(bytes, true).error().code() == ErrorCode::corruption);
}

TEST_CASE("a page is laid out as docs/format/directory.md says", "[golden]") {
  PartitionEntry entry;
  entry.id = 1;
  entry.rows = 3;
  entry.run_rows = 1;
  entry.bytes = 300;
  entry.raw_bytes = 900;
  entry.as_of_min = 5;
  std::string bytes;
  encode_directory_page(std::span(&entry, 1), std::nullopt, bytes);
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  hex.replace(24, 8, "--------");  // the check
  CHECK(hex ==
        "435644500300000001000000--------"
        "00000000000000000000000000000000"
        "000000000000000000"
        "020301ac0284070a00");
}

TEST_CASE("a crash between any two writes of a close loses nothing", "[regression][crash]") {
  const auto memory = shared_memory_backend();
  const auto images = std::make_shared<KeepsImages::Images>();
  for (NodeId session = 0; session < 2; ++session) {
    auto store = value_of(
        StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), small_partitions()));
    store_every_third(store, session);
    value_of(store.flush());
    images->keep = session == 1;  // pages there already are cut anew
    value_of(store.close());
  }
  REQUIRE(images->after.size() > 2);
  for (const auto& crashed : images->after) CHECK(faults_of(crashed, 7).empty());
}

TEST_CASE("changes after half a rewrite of pages has failed are marked", "[regression][crash]") {
  const auto memory = shared_memory_backend();
  const auto pages_left = std::make_shared<std::atomic<int>>(1000);
  const auto open = [&] {
    return value_of(StorageOptimizer::open(std::make_unique<FailsPages>(memory, pages_left),
                                           small_partitions()));
  };
  {
    auto store = open();
    store_every_third(store, 0);
    value_of(store.close());
  }
  auto store = open();
  for (NodeId node = 0; node < kNodes; node += 3) {
    value_of(store.store_exception({node, kProperty}, exception_of(node)));
  }
  value_of(store.flush());
  *pages_left = 1;
  REQUIRE_FALSE(store.compact_storage());
  *pages_left = 1000;
  store_every_third(store, 1);
  value_of(store.flush());
  CHECK(faults_of(image_of(*memory), 7).empty());
}

}  // namespace caveat::test
