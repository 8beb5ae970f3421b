// What verify() says: each fault in each family by its name, and no word about a sound store.
#include <algorithm>
#include <array>
#include <functional>

#include "engine/partition/container.h"
#include "engine/store/directory_page.h"
#include "indexes/posting_family.h"
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
