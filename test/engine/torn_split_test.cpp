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

}  // namespace

// The header's count was taken for the partition's: rows that had moved counted twice.
TEST_CASE("a count after a split that was torn", "[regression]") {
  const auto torn = torn_store(GENERATE(1, 40));  // bounds between nodes, and inside of them
  REQUIRE(torn);
  auto store =
      value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(torn), plain_options()));
  const auto check = [&] {
    CHECK(value_of(store.count({})) == kNodes);
    const auto estimated = store.estimate_storage_statistics();
    CHECK(estimated.total_exceptions_min <= kNodes);
    CHECK(estimated.total_exceptions_max >= kNodes);
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

}  // namespace caveat::test
