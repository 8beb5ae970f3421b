// A backend that is atomic for each key alone, cut off between the parts of a split: the new
// partitions are there, and the one that they were cut from still has their rows.
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 600;

Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.created_at = static_cast<std::int64_t>(node);
  return exception;
}

// Keeps what is stored when of the first batch that brings new partitions the last part is missing:
// from the first put of one that was there before.
class TearsASplit final : public BackendDouble {
 public:
  TearsASplit(std::shared_ptr<KvBackend> inner, std::shared_ptr<KvBackend>& torn)
      : BackendDouble(std::move(inner)), torn_(torn) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    bool brings = false;
    bool behind = false;
    const KvBatch first = without(batch, [&](const KvBatch::Entry& entry) {
      const bool put = entry.family == Family::primary && entry.op == KvBatch::Op::put;
      const bool known = put && !stored_under(inner(), Family::primary, entry.key).empty();
      brings = brings || (put && !known);
      behind = behind || known;
      return behind;
    });
    if (brings && behind && !torn_) {
      auto torn = image_of(inner());
      CAVEAT_TRY(torn->write(first, Durability::wal));
      torn_ = std::move(torn);
    }
    return BackendDouble::write(batch, durability);
  }

 private:
  std::shared_ptr<KvBackend>& torn_;
};

// `of_node`: properties of each node.
std::shared_ptr<KvBackend> torn_store(std::uint64_t of_node) {
  const auto memory = shared_memory_backend();
  std::shared_ptr<KvBackend> torn;
  auto options = plain_options();
  options.partition_records = 1024;
  for (const bool cut : {false, true}) {
    if (cut) options.partition_records = 16;
    auto store =
        value_of(StorageOptimizer::open(std::make_unique<TearsASplit>(memory, torn), options));
    if (cut) {
      value_of(store.optimize_storage());
      break;
    }
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; ++node) {
      records.push_back({{node / of_node, 7 + node % of_node}, exception_of(node)});
    }
    value_of(store.bulk_store(records));
    value_of(store.close());
    torn = nullptr;
  }
  return torn;
}

// Keeps, of each batch, what is stored after each of its parts but the last.
class TearsAnywhere final : public BackendDouble {
 public:
  struct States {
    bool keep = false;
    std::vector<std::shared_ptr<KvBackend>> torn;
  };
  TearsAnywhere(std::shared_ptr<KvBackend> inner, std::shared_ptr<States> states)
      : BackendDouble(std::move(inner)), states_(std::move(states)) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t parts = 1; states_->keep && parts < batch.count(); ++parts) {
      std::size_t at = 0;
      const KvBatch first = without(batch, [&](const KvBatch::Entry&) { return at++ >= parts; });
      auto torn = image_of(inner());
      CAVEAT_TRY(torn->write(first, Durability::wal));
      states_->torn.push_back(std::move(torn));
    }
    return BackendDouble::write(batch, durability);
  }

 private:
  std::shared_ptr<States> states_;
};

// Partitions have other terms than their neighbours.
ExceptionRecord record_of(NodeId node) {
  ExceptionRecord record{{node, 7 + node / 40}, exception_of(node)};
  record.exception.source = static_cast<ExceptionSource>(node / 100 % kExceptionSourceCount);
  record.exception.confidence = static_cast<float>(node / 30) / 32.0F;
  record.exception.created_at = static_cast<std::int64_t>(node / 50) << 40;
  return record;
}

StorageOptimizer open_with(std::shared_ptr<KvBackend> backend, std::size_t partition_records) {
  auto options = plain_options();
  options.partition_records = partition_records;
  return value_of(
      StorageOptimizer::open(std::make_unique<BackendDouble>(std::move(backend)), options));
}

}  // namespace

// The header's count was taken for the partition's: rows that had moved counted twice. Then they
// were left out of the count alone, and the estimate was too high until the next rewrite.
TEST_CASE("a count after a split that was torn", "[regression]") {
  const auto torn = torn_store(GENERATE(1, 40));  // bounds between nodes, and inside of them
  REQUIRE(torn);
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(torn), plain_options()));
  const auto check = [&] {
    CHECK(value_of(store.count({})) == kNodes);
    const auto estimated = store.estimate_storage_statistics();
    CHECK(estimated.total_exceptions_min == kNodes);
    CHECK(estimated.total_exceptions_max == kNodes);
    CHECK(value_of(store.get_storage_statistics()).total_exceptions == kNodes);
    const auto verified = value_of(store.verify());
    for (const auto& error : verified.errors) UNSCOPED_INFO(error);
    CHECK(verified.sound());
  };
  check();
  value_of(store.close());
  store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(torn), plain_options()));
  check();
  value_of(store.optimize_storage());
  check();
}

// One batch took the hints of partitions that it joined, or cut, before their rows were elsewhere.
TEST_CASE("hints after a batch that was torn anywhere", "[regression]") {
  constexpr std::size_t kSmall = 16;
  constexpr std::size_t kLarge = 512;
  const bool joins = GENERATE(true, false);
  const std::size_t before = joins ? kSmall : kLarge;
  const std::size_t after = joins ? kLarge : kSmall;
  const auto memory = shared_memory_backend();
  {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; ++node) records.push_back(record_of(node));
    auto store = open_with(memory, before);
    value_of(store.bulk_store(records));
    value_of(store.optimize_storage());
    value_of(store.close());
  }
  const auto states = std::make_shared<TearsAnywhere::States>();
  {
    auto options = plain_options();
    options.partition_records = after;
    auto store =
        value_of(StorageOptimizer::open(std::make_unique<TearsAnywhere>(memory, states), options));
    states->keep = true;
    value_of(store.optimize_storage());
    states->keep = false;
  }
  CHECK(states->torn.size() > 40);
  const auto check = [](const StorageOptimizer& store) {
    const auto verified = value_of(store.verify());
    for (const auto& error : verified.errors) UNSCOPED_INFO(error);
    CHECK(verified.sound());
    for (PropertyHash property = 7; property < 7 + kNodes / 40; ++property) {
      CHECK(value_of(store.count({.property = property})) == 40);
    }
  };
  for (std::size_t at = 0; at < states->torn.size(); ++at) {
    CAPTURE(joins, at);
    // What a rewrite believes to be there is there.
    for (const std::size_t partition_records : {before, after, before}) {
      auto store = open_with(states->torn[at], partition_records);
      check(store);
      value_of(store.optimize_storage());
      check(store);
      value_of(store.close());
    }
  }
}

// Its log was erased before the superblock said which numbers that had taken: they were given
// again, below the fold's clears, which then hid what was written since.
TEST_CASE("writes after a fold that was torn anywhere", "[regression]") {
  constexpr NodeId kCleared = 3;
  constexpr PropertyHash kProperty = 7;
  const auto memory = shared_memory_backend();
  const auto states = std::make_shared<TearsAnywhere::States>();
  {
    auto store = value_of(
        StorageOptimizer::open(std::make_unique<TearsAnywhere>(memory, states), plain_options()));
    for (NodeId node = 0; node < 40; ++node) {
      value_of(store.store_exception({node, kProperty}, exception_of(node)));
    }
    value_of(store.flush());
    for (NodeId node = 40; node < 80; ++node) {
      value_of(store.store_exception({node, kProperty}, exception_of(node)));
    }
    value_of(store.clear_property(8));
    value_of(store.clear_node(kCleared));
    states->keep = true;
    value_of(store.flush());
    states->keep = false;
  }
  CHECK(states->torn.size() > 2);
  for (std::size_t at = 0; at < states->torn.size(); ++at) {
    CAPTURE(at);
    auto store = open_with(states->torn[at], 64);
    REQUIRE(value_of(store.count({})) == 79);
    CHECK_FALSE(value_of(store.contains({kCleared, kProperty})));
    value_of(store.store_exception({kCleared, kProperty}, exception_of(100)));
    value_of(store.flush());
    REQUIRE(value_of(store.retrieve_exception({kCleared, kProperty})) == exception_of(100));
    value_of(store.close());
    store = open_with(states->torn[at], 64);
    REQUIRE(value_of(store.count({})) == 80);
    value_of(store.optimize_storage());
    REQUIRE(value_of(store.count({})) == 80);
    CHECK(value_of(store.verify()).sound());
  }
}

}  // namespace caveat::test
