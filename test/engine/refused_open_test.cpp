// Opening what is written down wrong: refused by name, or done without where nothing depends on it.
#include <algorithm>

#include "engine/catalogue/catalogue_format.h"
#include "engine/delta/delta_record.h"
#include "engine/partition/container.h"
#include "engine/store/partition_ids.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 300;
const PropertyHash kProperty = hash_property("p");

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  return exception;
}

// What a closed store left, with one registered name.
std::shared_ptr<KvBackend> closed_store() {
  auto backend = shared_memory_backend();
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  value_of(store.register_property("p"));
  store_nodes(store, kProperty, 0, kNodes, exception_of);
  value_of(store.close());
  return backend;
}

std::vector<std::string> keys_of(KvBackend& backend, Family family, std::string_view prefix) {
  std::vector<std::string> keys;
  auto it = value_of(backend.iterate(family, nullptr, false));
  for (it->seek(prefix); it->valid() && it->key().starts_with(prefix); it->next()) {
    keys.emplace_back(it->key());
  }
  return keys;
}

// The directory must be read off the partitions.
void erase_pages(KvBackend& backend, KvBatch& batch) {
  for (const auto& key : keys_of(backend, Family::meta, "D")) batch.erase(Family::meta, key);
}

std::string segment(std::uint32_t id, PropertyHash hash, std::string_view name) {
  std::string bytes;
  catalogue_format::append_segments({{id, hash, name}}, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("what is written down wrong is refused by name", "[bad]") {
  struct Wrong {
    const char* says;
    void (*write)(KvBackend&, KvBatch&);
  };
  const std::vector<Wrong> all = {
      {"meta: catalogue key of a wrong length",
       [](KvBackend&, KvBatch& b) { b.put(Family::meta, "C12", ""); }},
      {"catalogue page 0: id 0 twice",
       [](KvBackend&, KvBatch& b) {
         b.append(Family::meta, catalogue_format::page_key(0), segment(0, kProperty + 1, "q"));
       }},
      {"catalogue page 0: id 0 twice",
       [](KvBackend&, KvBatch& b) {
         b.append(Family::meta, catalogue_format::page_key(0), segment(0, kProperty, ""));
       }},
      {"catalogue page 0: id 7 out of order",
       [](KvBackend&, KvBatch& b) {
         b.append(Family::meta, catalogue_format::page_key(0), segment(7, 77, "q"));
       }},
      {"catalogue page 1: id 1 out of order",
       [](KvBackend&, KvBatch& b) {
         b.put(Family::meta, catalogue_format::page_key(1), segment(1, 77, "q"));
       }},
      {"catalogue page 0: id 1 out of order",  // it has id 0
       [](KvBackend&, KvBatch& b) {
         b.append(Family::meta, catalogue_format::page_key(0), segment(1, kProperty, "p"));
       }},
      {"meta: waiting name of a wrong length",
       [](KvBackend&, KvBatch& b) { b.put(Family::meta, "N12", "name"); }},
      {"meta: waiting name of a wrong length",
       [](KvBackend&, KvBatch& b) {
         const std::string name(kMaxPropertyNameBytes + 1, 'n');
         b.put(Family::meta, catalogue_format::waiting_key(hash_property(name)), name);
       }},
      {"has another hash",
       [](KvBackend&, KvBatch& b) {
         b.put(Family::meta, catalogue_format::waiting_key(hash_property("one")), "two");
       }},
      {"meta: a clear of a wrong length",
       [](KvBackend&, KvBatch& b) { b.put(Family::meta, "T12", std::string(8, '\1')); }},
      {"meta: a clear of a wrong length",
       [](KvBackend&, KvBatch& b) { b.put(Family::meta, "T\3" + std::string(8, '\1'), "short"); }},
      {"meta: a clear of an unknown kind",
       [](KvBackend&, KvBatch& b) {
         b.put(Family::meta, "T\7" + std::string(8, '\1'), std::string(8, '\1'));
       }},
      {"primary: a key of a wrong length",
       [](KvBackend& backend, KvBatch& b) {
         erase_pages(backend, b);
         b.put(Family::primary, "\xffx", "");
       }},
      {"primary: the first partition is missing",
       [](KvBackend& backend, KvBatch& b) {
         erase_pages(backend, b);
         b.erase(Family::primary, encode_key({}));
       }},
      {"directory: impossible partition id",
       [](KvBackend& backend, KvBatch& b) {
         erase_pages(backend, b);
         std::string container;
         append_container_header(PartitionIds::kIdsMax, container);
         b.put(Family::primary, encode_key({}), container);
       }},
  };
  for (const Wrong& wrong : all) {
    INFO(wrong.says);
    const auto backend = closed_store();
    KvBatch batch;
    wrong.write(*backend, batch);
    value_of(backend->write(batch, Durability::wal));
    const auto opened =
        StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options());
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == ErrorCode::corruption);
    CHECK_THAT(opened.error().message(), Catch::Contains(wrong.says));
  }
}

// It kept the store from opening, where a damaged record under a good key does not.
TEST_CASE("a record of the log under no key of one is set aside and told", "[bad][regression]") {
  const auto backend = closed_store();
  KvBatch batch;
  const std::vector<std::string> strays = {"x", std::string(17, '\xff'), std::string(15, '\0')};
  for (const auto& key : strays) batch.put(Family::delta, key, "bytes of " + key);
  value_of(backend->write(batch, Durability::wal));
  std::vector<std::string> told;
  Options options = plain_options();
  options.on_background_error = [&](const StorageError& error) { told.push_back(error.message()); };
  const auto open = [&] {
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), options));
  };
  const auto check = [&](StorageOptimizer& store) {
    CHECK(value_of(store.count({})) == kNodes);
    const auto verified = value_of(store.verify());
    CHECK(verified.errors.size() == strays.size());
    for (const auto& key : strays) {
      CHECK(stored_under(*backend, Family::meta, "Q" + key) == "bytes of " + key);
      const auto says = "a record under a key of " + std::to_string(key.size()) + " bytes";
      CHECK(std::any_of(verified.errors.begin(), verified.errors.end(),
                        [&](const auto& error) { return error.find(says) != std::string::npos; }));
    }
  };
  {
    auto store = open();
    CHECK(told.size() == strays.size());
    CHECK_THAT(told.at(0), Catch::Contains("delta: a key of 15 bytes, not 16"));
    CHECK(store.estimate_storage_statistics().background_errors == strays.size());
    check(store);
    value_of(store.store_exception({kNodes, kProperty}, exception_of(kNodes)));
    value_of(store.remove_exception({kNodes, kProperty}));
    value_of(store.close());
  }
  CHECK(keys_of(*backend, Family::delta, "").empty());
  // Told once; verify goes on to say so.
  told.clear();
  auto store = open();
  CHECK(told.empty());
  check(store);
}

// Its generation was believed, and the next one's number was 0: what was written from then on
// counted as folded with the next opening.
TEST_CASE("a record of the log under numbers that no store reaches costs no later write",
          "[bad][regression]") {
  const DeltaRecordKey far = GENERATE(DeltaRecordKey{~0ULL, 5}, DeltaRecordKey{2, ~0ULL - 5},
                                      DeltaRecordKey{1ULL << 62, 1ULL << 62});
  const auto backend = closed_store();
  KvBatch batch;
  batch.put(Family::delta, encode_delta_key(far), "no record");
  value_of(backend->write(batch, Durability::wal));
  std::vector<std::string> told;
  Options options = plain_options();
  options.on_background_error = [&](const StorageError& error) { told.push_back(error.message()); };
  const auto open = [&](const std::shared_ptr<KvBackend>& on) {
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(on), options));
  };
  auto store = open(backend);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], Catch::Contains("the key is no record's"));
  CHECK(stored_under(*backend, Family::meta, "Q" + encode_delta_key(far)) == "no record");
  value_of(store.store_exception({kNodes, kProperty}, exception_of(kNodes)));
  auto crashed = open(image_of(*backend));
  CHECK(value_of(crashed.contains({kNodes, kProperty})));
  value_of(crashed.flush());
  CHECK(value_of(crashed.count({})) == kNodes + 1);
}

namespace {

std::unique_ptr<StorageOptimizer> opened_on(const std::shared_ptr<KvBackend>& backend) {
  return std::make_unique<StorageOptimizer>(
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options())));
}

// As after a crash: two writes are in the log alone.
struct LoggedWrites {
  std::shared_ptr<KvBackend> backend;
  std::string damaged;  // the log's key of the first
  std::string whole;    // what was under it
};
LoggedWrites one_damaged_of_two() {
  const auto running = closed_store();
  const auto store = opened_on(running);
  value_of(store->store_exception({kNodes, kProperty}, exception_of(kNodes)));
  value_of(store->store_exception({kNodes + 1, kProperty}, exception_of(kNodes + 1)));
  LoggedWrites made;
  made.backend = image_of(*running);
  const auto keys = keys_of(*made.backend, Family::delta, "");
  REQUIRE(keys.size() == 2);
  made.damaged = keys.front();
  made.whole = stored_under(*made.backend, Family::delta, made.damaged);
  auto bytes = made.whole;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  KvBatch batch;
  batch.put(Family::delta, made.damaged, bytes);
  value_of(made.backend->write(batch, Durability::wal));
  return made;
}

std::size_t count_set_aside(KvBackend& backend) {
  return keys_of(backend, Family::meta, "Q").size();
}

}  // namespace

// It stayed for ever, and verify never called the store sound again.
TEST_CASE("a record set aside is forgotten once the log gives it back whole", "[regression]") {
  auto made = one_damaged_of_two();
  {
    const auto running = made.backend;
    const auto store = opened_on(running);
    CHECK(count_set_aside(*running) == 1);
    CHECK(value_of(store->count({})) == kNodes + 1);
    CHECK_FALSE(value_of(store->verify()).sound());
    made.backend = image_of(*running);  // a crash: the log is as it was
  }
  // Still damaged: kept, whether it is met again or was dropped with its generation.
  const auto folded = image_of(*made.backend);
  for (int i = 0; i < 2; ++i) {
    const auto store = opened_on(folded);
    value_of(store->flush());
    CHECK(count_set_aside(*folded) == 1);
    CHECK_FALSE(value_of(store->verify()).sound());
  }
  CHECK(keys_of(*folded, Family::delta, "").empty());
  CHECK(stored_under(*folded, Family::meta, "Q" + made.damaged).size() == made.whole.size());

  KvBatch batch;
  batch.put(Family::delta, made.damaged, made.whole);
  value_of(made.backend->write(batch, Durability::wal));
  const auto store = opened_on(made.backend);
  CHECK(count_set_aside(*made.backend) == 0);
  CHECK(value_of(store->count({})) == kNodes + 2);
  CHECK(value_of(store->verify()).sound());
}

TEST_CASE("lost writes are forgotten when the host says so, and not before", "[regression]") {
  const auto made = one_damaged_of_two();
  const bool dropped = GENERATE(false, true);  // with its generation, by a fold
  {
    const auto store = opened_on(made.backend);
    if (dropped) value_of(store->flush());
    value_of(store->rebuild_indexes());
    value_of(store->optimize_storage());
    value_of(store->compact_storage());
    CHECK(count_set_aside(*made.backend) == 1);
    CHECK(value_of(store->forget_lost_writes()) == 1);
    CHECK(value_of(store->forget_lost_writes()) == 0);
    CHECK(value_of(store->verify()).sound());
  }
  const auto store = opened_on(made.backend);
  CHECK(store->estimate_storage_statistics().background_errors == 0);
  CHECK(count_set_aside(*made.backend) == 0);
  CHECK(value_of(store->count({})) == kNodes + 1);
  CHECK(value_of(store->verify()).sound());
}

TEST_CASE("forgetting lost writes is repeated after a crash at any of its steps", "[regression]") {
  const auto made = one_damaged_of_two();
  static_cast<void>(opened_on(made.backend));
  // A backend that tears batches keeps a prefix of this one.
  for (std::size_t kept = 0; kept <= 2; ++kept) {
    class Tearing final : public BackendDouble {
     public:
      Tearing(std::shared_ptr<KvBackend> inner, std::size_t kept)
          : BackendDouble(std::move(inner)), kept_(kept) {}
      Result<void> write(const KvBatch& batch, Durability durability) override {
        if (batch.entry(0).op != KvBatch::Op::erase || batch.entry(0).family != Family::delta) {
          return BackendDouble::write(batch, durability);
        }
        std::size_t seen = 0;
        const auto torn = without(batch, [&](const auto&) { return seen++ >= kept_; });
        if (!torn.empty()) CAVEAT_TRY(BackendDouble::write(torn, durability));
        return fail(ErrorCode::io_error, "torn");
      }

     private:
      std::size_t kept_;
    };
    INFO("kept " << kept);
    const auto backend = image_of(*made.backend);
    {
      auto store = value_of(
          StorageOptimizer::open(std::make_unique<Tearing>(backend, kept), plain_options()));
      CHECK_FALSE(store.forget_lost_writes());
    }
    CHECK(count_set_aside(*backend) == (kept == 2 ? 0 : 1));
    const auto store = opened_on(backend);
    CHECK(value_of(store->count({})) == kNodes + 1);
    CHECK(value_of(store->forget_lost_writes()) == (kept == 2 ? 0U : 1U));
    CHECK(value_of(store->verify()).sound());
  }
}

TEST_CASE("foreign keys among pages and dictionaries stand in nobody's way", "[bad]") {
  const auto backend = closed_store();
  KvBatch batch;
  for (const char* key : {"D12", "X12", "Z", "Z123456789", "Z1234", "[", "z"}) {
    batch.put(Family::meta, key, "nonsense");
  }
  value_of(backend->write(batch, Durability::wal));
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  CHECK(value_of(store.count({})) == kNodes);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("a page under the key of another is not believed", "[bad]") {
  const auto backend = closed_store();
  const auto pages = keys_of(*backend, Family::meta, "D");
  REQUIRE(pages.size() == 1);
  KvBatch batch;
  batch.put(Family::meta, "D" + encode_key({100, 1}),
            stored_under(*backend, Family::meta, pages[0]));
  value_of(backend->write(batch, Durability::wal));
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  CHECK(value_of(store.count({})) == kNodes);
  for (NodeId node = 0; node < kNodes; node += 7) {
    CHECK(value_of(store.retrieve_exception({node, kProperty})) == exception_of(node));
  }
}

TEST_CASE("what can only be read and has no superblock is refused", "[bad]") {
  class ReadOnly final : public BackendDouble {
   public:
    using BackendDouble::BackendDouble;
    [[nodiscard]] std::optional<StorageError> read_only() const override {
      return StorageError(ErrorCode::corruption, "a part is missing");
    }
  };
  const auto backend = closed_store();
  const auto open = [&] {
    return StorageOptimizer::open(std::make_unique<ReadOnly>(backend), plain_options());
  };
  {
    auto store = value_of(open());
    CHECK(value_of(store.count({})) == kNodes);
    CHECK(store.store_exception({1, kProperty}, {}).error().message() == "a part is missing");
    CHECK_THAT(store.metrics(), Catch::Contains("caveat_read_only 1"));
  }
  KvBatch batch;
  batch.erase(Family::meta, "S");
  value_of(backend->write(batch, Durability::wal));
  const auto refused = open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() == "superblock: missing");
}

TEST_CASE("a name that is registered late is the name of records stored before", "[bad]") {
  const auto backend = closed_store();
  const auto open = [&] {
    return value_of(
        StorageOptimizer::open(std::make_unique<BackendDouble>(backend), plain_options()));
  };
  {
    // Some with names and some without, in one fold.
    auto store = open();
    value_of(store.register_property("early"));
    for (const char* name : {"late", "early", "later", "never"}) {
      value_of(store.store_exception({1, hash_property(name)}, exception_of(1)));
    }
    value_of(store.flush());
    CHECK_FALSE(store.property_name(hash_property("late")));
    const std::string_view names[] = {"late", "early", "late", "unused", "unused"};
    value_of(store.register_properties(names));
    CHECK(store.property_name(hash_property("late")) == "late");
    value_of(store.close());
  }
  auto store = open();
  CHECK(store.property_name(hash_property("early")) == "early");
  CHECK(store.property_name(hash_property("late")) == "late");
  CHECK(store.property_name(hash_property("unused")) == "unused");
  CHECK_FALSE(store.property_name(hash_property("later")));
  value_of(store.register_property("later"));
  CHECK(store.property_name(hash_property("later")) == "later");
  CHECK(value_of(store.count({})) == kNodes + 4);
}

}  // namespace caveat::test
