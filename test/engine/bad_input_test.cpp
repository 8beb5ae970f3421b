// Bad input from the host: a clear error, nothing that was stored is lost, and the store goes on.
#include <cmath>
#include <limits>

#include "test/support/stores.h"

namespace caveat::test {

namespace {

const PropertyHash kProperty = hash_property("p");

Exception sound() {
  Exception exception;
  exception.actual_value = 1;
  exception.reason = "sound";
  return exception;
}

// The error of a call that has to fail, with a part of its message.
template <class T>
void require_error(const Result<T>& result, ErrorCode code, std::string_view part) {
  REQUIRE_FALSE(result.has_value());
  INFO(result.error().message());
  CHECK(result.error().code() == code);
  CHECK_THAT(result.error().message(), Catch::Contains(std::string(part)));
}

PropertyValue nested(std::size_t depth) {
  PropertyValue value = 1;
  for (std::size_t i = 0; i < depth; ++i) value = PropertyValue::List{std::move(value)};
  return value;
}

// After whatever happened in between: one record is there, another can be stored.
class StillUsable {
 public:
  explicit StillUsable(StorageOptimizer& store) : store_(store) {
    value_of(store_.store_exception({1, kProperty}, sound()));
  }
  ~StillUsable() {
    CHECK(value_of(store_.retrieve_exception({1, kProperty})) == sound());
    CHECK(value_of(store_.count({})) == 1);
    value_of(store_.store_exception({2, kProperty}, sound()));
    CHECK(value_of(store_.count({})) == 2);
    CHECK(value_of(store_.verify()).errors.empty());
  }

 private:
  StorageOptimizer& store_;
};

}  // namespace

TEST_CASE("a record that breaks a rule is refused by every writing call", "[bad]") {
  StorageOptimizer store;
  const StillUsable still(store);
  struct Bad {
    const char* field;
    ErrorCode code;
    Exception exception;
  };
  std::vector<Bad> all;
  for (const float confidence : {-0.1F, 1.1F, std::nanf(""), -std::numeric_limits<float>::min(),
                                 std::numeric_limits<float>::infinity()}) {
    all.push_back({"confidence", ErrorCode::invalid_argument, sound()});
    all.back().exception.confidence = confidence;
  }
  all.push_back({"source", ErrorCode::invalid_argument, sound()});
  all.back().exception.source = static_cast<ExceptionSource>(9);
  all.push_back({"actual_value", ErrorCode::limit_exceeded, sound()});
  all.back().exception.actual_value = nested(kMaxValueDepth + 1);
  all.push_back({"inherited_value", ErrorCode::limit_exceeded, sound()});
  all.back().exception.inherited_value = nested(1000);
  for (const Bad& bad : all) {
    INFO(bad.field);
    for (const NodeId node : {NodeId{1}, NodeId{7}}) {
      const ExceptionKey key{node, kProperty};
      require_error(store.store_exception(key, bad.exception), bad.code, bad.field);
      require_error(store.exchange_exception(key, bad.exception), bad.code, bad.field);
      const auto there = value_of(store.retrieve_exception(key));
      require_error(store.compare_and_set(key, there, bad.exception), bad.code, bad.field);
      // A condition that does not hold hides nothing.
      Exception other = sound();
      other.reason = "of nobody";
      require_error(store.compare_and_set(key, other, bad.exception), bad.code, bad.field);
      const std::vector<ExceptionRecord> records = {{{8, kProperty}, sound()},
                                                    {key, bad.exception}};
      require_error(store.bulk_store(records), bad.code, bad.field);
      WriteBatch batch;
      value_of(batch.store_exception({9, kProperty}, sound()));
      const std::string before(batch.rows());
      require_error(batch.store_exception(key, bad.exception), bad.code, bad.field);
      CHECK(batch.rows() == before);
    }
  }
}

TEST_CASE("a record too large is refused, and one just within the limits is stored", "[bad]") {
  StorageOptimizer store;
  Exception exception = sound();
  exception.actual_value = nested(kMaxValueDepth);
  exception.reason.assign(kMaxRecordBytes, 'x');
  require_error(store.store_exception({1, kProperty}, exception), ErrorCode::limit_exceeded,
                "reason");
  exception.reason.resize(kMaxRecordBytes - 1000);
  value_of(store.store_exception({1, kProperty}, exception));
  value_of(store.flush());
  CHECK(value_of(store.retrieve_exception({1, kProperty})) == exception);
}

TEST_CASE("one bad record in 100,000 stores none of them", "[bad]") {
  StorageOptimizer store;
  const StillUsable still(store);
  std::vector<ExceptionRecord> records(100'000, {{0, kProperty}, sound()});
  for (std::size_t i = 0; i < records.size(); ++i) records[i].key.node_id = 100 + i;
  // In the second chunk, so that the first could have gone already.
  records[99'990].exception.confidence = 2.0F;
  require_error(store.bulk_store(records), ErrorCode::invalid_argument, "99990");
}

TEST_CASE("a property name is checked", "[bad]") {
  StorageOptimizer store;
  const StillUsable still(store);
  require_error(store.register_property(""), ErrorCode::invalid_argument, "empty");
  require_error(store.register_property(std::string(kMaxPropertyNameBytes + 1, 'n')),
                ErrorCode::limit_exceeded, "4097");
  value_of(store.register_property(std::string(kMaxPropertyNameBytes, 'n')));
}

// XXH3 is no cryptographic hash: for 16 bytes two inputs of one hash can be written down. It adds
// up the halves, one of them with its bytes reversed, and a product that is 0 where a half is.
TEST_CASE("two property names of one hash are told apart", "[bad]") {
  const std::string one("\x31\x4e\x24\xbf\x3f\x40\xa0\x76\x3a\x52\x96\x09\x3b\xbc\x56\xaf", 16);
  const std::string two("\xb9\x39\x42\xea\x7b\x73\x82\x67\x2b\x70\xa5\x4d\x6e\xda\x21\x27", 16);
  REQUIRE(hash_property(one) == hash_property(two));
  const auto backend = GENERATE(Backend::memory, Backend::rocksdb);
  TestStore store(backend);
  value_of(store->register_property(one));
  require_error(store->register_property(two), ErrorCode::hash_collision, one);
  require_error(store->register_property(two), ErrorCode::hash_collision, two);
  const std::string_view both[] = {"new name", two};
  require_error(store->register_properties(both), ErrorCode::hash_collision, one);
  CHECK_FALSE(store->property_name(hash_property("new name")).has_value());
  // The same once the name has an id, and after that is read back.
  value_of(store->store_exception({1, hash_property(one)}, sound()));
  value_of(store->flush());
  require_error(store->register_property(two), ErrorCode::hash_collision, two);
  store.reopen();
  require_error(store->register_property(two), ErrorCode::hash_collision, two);
  CHECK(store->property_name(hash_property(one)) == one);
  const std::string_view fresh[] = {two, one};
  StorageOptimizer other;
  require_error(other.register_properties(fresh), ErrorCode::hash_collision, one);
  CHECK_FALSE(other.property_name(hash_property(two)).has_value());
}

TEST_CASE("options out of range are refused by name", "[bad]") {
  const auto refused = [](const char* field, const auto& change) {
    INFO(field);
    Options options;
    change(options);
    ScratchDirectory directory;
    const auto path = directory.path() / "store";
    require_error(StorageOptimizer::open(path, options), ErrorCode::invalid_argument, field);
    CHECK_FALSE(std::filesystem::exists(path));
  };
  refused("memory_budget_bytes", [](Options& o) { o.memory_budget_bytes = kMemoryBudgetMin - 1; });
  refused("memory_budget_bytes", [](Options& o) { o.memory_budget_bytes = kMemoryBudgetMax + 1; });
  refused("memory_budget_bytes", [](Options& o) { o.memory_budget_bytes = SIZE_MAX; });
  refused("cache_bytes", [](Options& o) { o.cache_bytes = o.memory_budget_bytes; });
  // The sum of the two overflows.
  refused("cache_bytes", [](Options& o) {
    o.cache_bytes = std::numeric_limits<std::size_t>::max();
    o.delta_bytes = 2;
  });
  refused("partition_records", [](Options& o) { o.partition_records = 15; });
  refused("partition_records", [](Options& o) { o.partition_records = 4097; });
  refused("partition_bytes", [](Options& o) { o.partition_bytes = 0; });
  refused("compression_level", [](Options& o) { o.compression_level = 0; });
  refused("optimize_compression_level", [](Options& o) { o.optimize_compression_level = 20; });
  refused("dictionary_bytes", [](Options& o) { o.dictionary_bytes = 100 * kMiB; });
  refused("compression", [](Options& o) { o.compression = static_cast<CompressionAlgorithm>(9); });
  refused("custom_codecs", [](Options& o) { o.custom_codecs.emplace_back(200, nullptr); });
  refused("durability", [](Options& o) { o.durability = static_cast<Durability>(9); });
}

TEST_CASE("a query that makes no sense is refused", "[bad]") {
  StorageOptimizer store;
  const StillUsable still(store);
  Query nan;
  nan.confidence = Query::ConfidenceRange{std::nanf(""), 1.0F};
  require_error(store.query(nan), ErrorCode::invalid_argument, "confidence");
  require_error(store.count(nan), ErrorCode::invalid_argument, "confidence");
  Query order;
  order.order = static_cast<QueryOrder>(9);
  require_error(store.query(order), ErrorCode::invalid_argument, "order");
  Query source;
  source.source = static_cast<ExceptionSource>(9);
  const auto none = store.count(source);
  CHECK((!none || *none == 0));

  Query first;
  auto cursor = value_of(store.query(first));
  value_of(cursor.next());
  Query other;
  other.node = 1;
  other.resume_token = cursor.resume_token();
  require_error(store.query(other), ErrorCode::invalid_argument, "token");
  first.resume_token = cursor.resume_token();
  value_of(store.query(first));
  first.resume_token.back() = static_cast<char>(first.resume_token.back() ^ 1);
  require_error(store.query(first), ErrorCode::invalid_argument, "token");
  first.resume_token = "garbage";
  require_error(store.query(first), ErrorCode::invalid_argument, "token");
}

}  // namespace caveat::test
