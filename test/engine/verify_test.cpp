// What verify() says: each fault in each family by its name, and no word about a sound store.
#include <algorithm>
#include <array>
#include <functional>

#include "engine/delta/delta_record.h"
#include "engine/partition/container.h"
#include "engine/store/directory_page.h"
#include "indexes/posting_family.h"
#include "test/engine/patient.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "record of node " + std::to_string(node);
  exception.confidence = 0.5F;
  return exception;
}

// All that a family holds, in its order.
std::vector<std::pair<std::string, std::string>> entries_of(KvBackend& backend, Family family) {
  std::vector<std::pair<std::string, std::string>> entries;
  auto it = value_of(backend.iterate(family, nullptr, false));
  for (it->seek_to_first(); it->valid(); it->next()) entries.emplace_back(it->key(), it->value());
  return entries;
}

void put(KvBackend& backend, Family family, std::string_view key, std::string_view value) {
  KvBatch batch;
  batch.put(family, key, value);
  value_of(backend.write(batch, Durability::wal));
}

void erase(KvBackend& backend, Family family, std::string_view key) {
  KvBatch batch;
  batch.erase(family, key);
  value_of(backend.write(batch, Durability::wal));
}

// A closed store of several partitions; `first` is its first container as it was when it had fewer
// rows.
struct Closed {
  std::shared_ptr<KvBackend> backend = shared_memory_backend();
  std::string first;

  Closed() {
    auto store = open();
    store_nodes(store, kProperty, 0, 10, exception_of);
    value_of(store.flush());
    first = entries_of(*backend, Family::primary).front().second;
    store_nodes(store, kProperty, 10, 500, exception_of);
    value_of(store.close());
  }
  [[nodiscard]] StorageOptimizer open() const {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  }
};

using Change = std::function<void(Closed&)>;

// The filters of two partitions, exchanged in the page that holds both.
void exchange_filters(Closed& closed) {
  for (const auto& [key, value] : entries_of(*closed.backend, Family::meta)) {
    if (!key.starts_with('D')) continue;
    auto page = value_of(decode_directory_page(value, true));
    REQUIRE(page.entries.size() > 2);
    std::swap(page.entries[0].filter, page.entries[1].filter);
    std::string bytes;
    encode_directory_page(page.entries, page.upper, bytes);
    put(*closed.backend, Family::meta, key, bytes);
    return;
  }
  FAIL("no page of the directory");
}

// Hints for partitions that never were: near those that are, far from them, and impossible.
constexpr std::array<PartitionId, 4> kNobodys = {900, 999'999, 1ULL << 30, 1ULL << 40};
void add_stale_hints(KvBackend& backend) {
  PostingFamily family(Family::source, backend);
  std::vector<PostingChange> changes;
  for (const PartitionId id : kNobodys) changes.push_back({0, id, true});
  KvBatch batch;
  value_of(family.apply(changes, batch));
  value_of(backend.write(batch, Durability::wal));
}

// Filters that know the keys of their partition, and not the nodes.
void forget_nodes(Closed& closed) {
  for (const auto& [key, value] : entries_of(*closed.backend, Family::meta)) {
    if (!key.starts_with('D')) continue;
    auto page = value_of(decode_directory_page(value, true));
    for (PartitionEntry& entry : page.entries) {
      KeyFilter filter(entry.rows);
      for (NodeId node = 0; node < 500; ++node) {
        filter.add(filter_hash(ExceptionKey{node, kProperty}));
      }
      entry.filter = make_lasting<KeyFilter>(std::move(filter));
    }
    std::string bytes;
    encode_directory_page(page.entries, page.upper, bytes);
    put(*closed.backend, Family::meta, key, bytes);
  }
}

// Of another store, whose property is its second: in the first there is no such id.
std::string block_of_another_store() {
  const auto backend = shared_memory_backend();
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  for (const PropertyHash property : {hash_property("before it"), kProperty}) {
    store_nodes(store, property, 0, 500, exception_of);
    value_of(store.flush());
  }
  const auto container = entries_of(*backend, Family::primary).at(2).second;
  return std::string(*value_of(parse_container(container)).block);
}

}  // namespace

TEST_CASE("verify names whatever is wrong, where it is", "[damage]") {
  struct Fault {
    const char* says;
    Change before_open;  // on disk
    Change after_open;   // under the open store
  };
  const Change nothing = [](Closed&) {};
  const auto third = [](Closed& c) { return entries_of(*c.backend, Family::primary).at(2); };
  const std::vector<Fault> faults = {
      {"primary node 0 property 0x0000000000000000: the directory has another row count",
       [](Closed& c) { put(*c.backend, Family::primary, encode_key({}), c.first); }, nothing},
      {"the container is missing",
       [&](Closed& c) { erase(*c.backend, Family::primary, third(c).first); }, nothing},
      {"the container has another partition id",
       [&](Closed& c) {
         const auto other = entries_of(*c.backend, Family::primary).at(3).second;
         put(*c.backend, Family::primary, third(c).first, other);
       },
       nothing},
      {"wrong magic",
       [&](Closed& c) {
         put(*c.backend, Family::primary, third(c).first,
             "no container at all"
             " is this");
       },
       nothing},
      {"the key filter denies node", exchange_filters, nothing},
      {"the key filter denies node", forget_nodes, nothing},
      {"is not in the catalogue",
       [&](Closed& c) {
         const auto [key, value] = third(c);
         std::string other;
         append_container_header(value_of(summarise_container(value)).id, other);
         put(*c.backend, Family::primary, key, other + block_of_another_store());
       },
       nothing},
      {"confidence: no hint for term 0x7ff in partition",
       [](Closed& c) {
         for (const auto& [key, value] : entries_of(*c.backend, Family::confidence)) {
           erase(*c.backend, Family::confidence, key);
         }
       },
       nothing},
      {"source 0x73686f7274: posting container: unexpected key",
       [](Closed& c) { put(*c.backend, Family::source, "short", ""); }, nothing},
      {"meta: superblock: wrong magic", nothing,
       [](Closed& c) { put(*c.backend, Family::meta, "S", "x"); }},
      {"delta: a key of 1 bytes, not 16", nothing,
       [](Closed& c) { put(*c.backend, Family::delta, "x", ""); }},
      {"delta: a record under a key of 1 bytes: could not be read when the store was opened; its 5",
       nothing, [](Closed& c) { put(*c.backend, Family::meta, "Qx", "bytes"); }},
      {"delta: generation 258, record 7: could not be read when the store was opened; its 5 bytes",
       nothing,
       [](Closed& c) {
         put(*c.backend, Family::meta, "Q" + std::string("\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\7", 16),
             "bytes");
       }},
      {"meta: directory page: checksum differs", nothing,
       [](Closed& c) {
         for (auto& [key, value] : entries_of(*c.backend, Family::meta)) {
           if (!key.starts_with('D')) continue;
           value.back() = static_cast<char>(value.back() ^ 1);
           put(*c.backend, Family::meta, key, value);
         }
       }},
  };
  for (const Fault& fault : faults) {
    INFO(fault.says);
    Closed closed;
    fault.before_open(closed);
    auto store = closed.open();
    fault.after_open(closed);
    const auto found = value_of(store.verify());
    CHECK_FALSE(found.sound());
    for (const auto& error : found.errors) UNSCOPED_INFO(error);
    CHECK(std::any_of(found.errors.begin(), found.errors.end(), [&](const std::string& error) {
      return error.find(fault.says) != std::string::npos;
    }));
  }
}

TEST_CASE("an index that cannot be walked is told once, and marked where it is damaged",
          "[damage]") {
  for (const ErrorCode code : {ErrorCode::corruption, ErrorCode::io_error}) {
    const bool damaged = code == ErrorCode::corruption;
    patient::Patient p;
    auto store = p.filled();
    p.ailment->walks[Family::source] = code;
    const auto found = value_of(store.verify());
    REQUIRE(found.errors.size() == 2);
    CHECK_THAT(found.errors[0], Catch::Contains("a walk"));
    CHECK_THAT(found.errors[1], Catch::Contains("not in the part that can be read"));
    CHECK(found.missing_hints == patient::partitions_of(store));  // all of one source
    CHECK(p.told_of("the source index is damaged") == (damaged ? 1 : 0));
    p.ailment->walks.clear();
    CHECK(value_of(store.verify()).incomplete_indexes.size() == (damaged ? 1 : 0));
  }
}

TEST_CASE("of the log verify reads each row, and nothing that a fold has dropped", "[damage]") {
  Closed closed;
  auto store = closed.open();
  const auto dropped = store.engine().core().superblock.dropped_generation;
  REQUIRE(dropped > 0);
  put(*closed.backend, Family::delta, encode_delta_key({dropped, 1}), "no record");
  const auto before = value_of(store.verify());
  CHECK(before.sound());
  CHECK(before.delta_records == 0);
  const DeltaRecordKey key{dropped + 9, 5};
  std::string record;
  encode_delta_record(key, std::string(64, 'x'), 1, record);  // no row, under a right checksum
  put(*closed.backend, Family::delta, encode_delta_key(key), record);
  const auto found = value_of(store.verify());
  CHECK(found.delta_records == 1);
  REQUIRE(found.errors.size() == 1);
  CHECK_THAT(found.errors[0], Catch::Contains("sequence 5: "));
}

TEST_CASE("hints for partitions that are not there are stale, and no error") {
  Closed closed;
  add_stale_hints(*closed.backend);
  auto store = closed.open();
  const auto found = value_of(store.verify());
  CHECK(found.sound());
  CHECK(value_of(store.query_by_source(ExceptionSource::Explicit)).size() <= 500);
  CHECK(found.stale_hints == kNobodys.size());
  // Nor where nothing was ever stored.
  const auto empty = shared_memory_backend();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(empty), plain_options()));
  };
  value_of(open().close());
  add_stale_hints(*empty);
  const auto none = value_of(open().verify());
  CHECK(none.sound());
  CHECK(none.stale_hints == kNobodys.size());
}

TEST_CASE("a part of an index that cannot be read is damage, also where no hint is missing") {
  Closed closed;
  const std::string last_term = std::string(8, '\xFF') + std::string(7, '\0') + '\5';
  put(*closed.backend, Family::confidence, last_term, "behind all others");
  auto store = closed.open();
  const auto found = value_of(store.verify());
  CHECK_FALSE(found.sound());
  for (const auto& error : found.errors) CHECK_THAT(error, Catch::Contains("confidence"));
  CHECK(found.missing_hints == 0);
}

// It could not be stopped there unless the partitions were a multiple of 64.
TEST_CASE("verify can be stopped at each of its stages", "[regression]") {
  class Stops final : public ProgressSink {
   public:
    explicit Stops(std::string stage) : stage_(std::move(stage)) {}
    [[nodiscard]] bool on_progress(const Progress& progress) override {
      return progress.stage != stage_;
    }

   private:
    const std::string stage_;
  };
  Closed closed;
  auto store = closed.open();
  for (const char* stage : {"verify primary", "verify indexes", "verify recent writes"}) {
    Stops stops(stage);
    const auto stopped = store.verify(&stops);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code() == ErrorCode::cancelled);
  }
}

TEST_CASE("hints of partitions that a fold makes meanwhile are stale, and no error") {
  const auto backend = shared_memory_backend();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  };
  value_of(open().close());
  PostingFamily family(Family::source, *backend);
  const std::vector<PostingChange> changes = {{0, 1, true}};
  KvBatch batch;
  value_of(family.apply(changes, batch));
  value_of(backend->write(batch, Durability::wal));
  auto store = open();
  class Folds final : public ProgressSink {
   public:
    explicit Folds(StorageOptimizer& store) : store_(store) {}
    [[nodiscard]] bool on_progress(const Progress& progress) override {
      if (progress.stage == "verify indexes" && !done_) {
        done_ = true;
        store_nodes(store_, kProperty, 0, 100, exception_of);
        value_of(store_.flush());
      }
      return true;
    }

   private:
    StorageOptimizer& store_;
    bool done_ = false;
  } folds(store);
  const auto found = value_of(store.verify(&folds));
  CHECK(found.sound());
  CHECK(found.stale_hints == 1);
  CHECK(value_of(store.count({})) == 100);
}

TEST_CASE("more partitions than are verified at a time are each looked at once") {
  Options options = plain_options();
  options.partition_records = 16;
  options.dictionary_bytes = 0;
  StorageOptimizer store(0, options);
  constexpr NodeId kMany = 145'000;
  store_nodes(store, kProperty, 0, kMany, [](NodeId node) {
    Exception exception;
    exception.actual_value = static_cast<std::int64_t>(node);
    return exception;
  });
  value_of(store.flush());
  const auto found = value_of(store.verify());
  CHECK(found.sound());
  CHECK(found.partitions > 8192);
  CHECK(found.records == kMany);
  CHECK(found.stale_hints == 0);
  // Each has one term in each index, but for a few on the border of two times or two sources.
  CHECK(found.index_pairs >= 4 * found.partitions);
}

TEST_CASE("of very many errors verify counts all and lists the first") {
  Closed closed;
  auto store = closed.open();
  KvBatch batch;
  for (int i = 0; i < 3000; ++i) batch.put(Family::delta, "x" + std::to_string(i), "");
  value_of(closed.backend->write(batch, Durability::wal));
  const auto found = value_of(store.verify());
  CHECK(found.error_count == 3000);
  CHECK(found.errors.size() == VerificationResults::kErrorsMax);
}

}  // namespace caveat::test
