// Comparisons with a map are worth what they catch: with planted bugs they must fail.
#include <map>
#include <random>

#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

using Model = std::map<ExceptionKey, Exception>;
using Make = std::function<std::unique_ptr<KvBackend>(std::shared_ptr<KvBackend>)>;

bool same(StorageOptimizer& store, const Model& model) {
  for (const auto& [key, exception] : model) {
    const auto there = store.retrieve_exception(key);
    if (!there || *there != exception) return false;
  }
  const auto all = store.count({});
  if (!all || *all != model.size()) return false;
  for (NodeId i = 0; i < 20; i += 5) {
    const auto time = static_cast<std::int64_t>(i) * 86'400'000'000'000;
    const auto found = store.query_by_time_range(time, time);
    std::size_t wanted = 0;
    for (const auto& [key, exception] : model) wanted += exception.created_at == time ? 1U : 0U;
    if (!found || found->size() != wanted) return false;
  }
  const auto verified = store.verify();
  return verified && verified->errors.empty();
}

// Random writes on a store over `make`'s backend, compared with a map, also after a crash.
bool agrees(const Make& make, std::uint64_t seed, int steps = 1500) {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  options.delta_bytes = 32 << 10;
  options.memory_budget_bytes = kMemoryBudgetMin;
  const auto memory = shared_memory_backend();
  auto store = StorageOptimizer::open(make(memory), options);
  if (!store) return false;
  std::mt19937_64 random(seed);
  Model model;
  for (int i = 0; i < steps; ++i) {
    const ExceptionKey key{random() % 400, hash_property("p" + std::to_string(random() % 3))};
    Exception exception;
    exception.actual_value = i;
    exception.created_at = static_cast<std::int64_t>(random() % 20) * 86'400'000'000'000;
    if (!store->store_exception(key, exception)) return false;
    model[key] = exception;
    if (i % 60 != 59) continue;
    auto crashed = StorageOptimizer::open(make(image_of(*memory)), options);
    if (!crashed || !same(*crashed, model)) return false;
    if (!store->flush() || !same(*store, model)) return false;
  }
  return true;
}

class DropsHints final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const auto drop = [&](const KvBatch::Entry& entry) {
      return entry.family >= Family::property && ++hints_ % 100 == 0;
    };
    return BackendDouble::write(without(batch, drop), durability);
  }

 private:
  std::uint64_t hints_ = 0;
};

class DropsWrites final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    if (++writes_ % 500 == 0) return {};
    return BackendDouble::write(batch, durability);
  }

 private:
  std::uint64_t writes_ = 0;
};

class HidesDelta final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (family == Family::delta) return nothing_->iterate(family, nullptr, readahead);
    return BackendDouble::iterate(family, snapshot, readahead);
  }

 private:
  std::shared_ptr<KvBackend> nothing_ = shared_memory_backend();
};

template <class Double>
Make over() {
  return [](std::shared_ptr<KvBackend> inner) { return std::make_unique<Double>(inner); };
}

}  // namespace

TEST_CASE("the comparison finds nothing where nothing is wrong", "[planted]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) CHECK(agrees(over<BackendDouble>(), seed));
}

TEST_CASE("an index that loses one change in 100 is caught", "[planted]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) CHECK_FALSE(agrees(over<DropsHints>(), seed, 6000));
}

TEST_CASE("a backend that drops one write in 500 is caught", "[planted]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) CHECK_FALSE(agrees(over<DropsWrites>(), seed));
}

TEST_CASE("a recovery that ignores the log is caught", "[planted]") {
  const auto with_tail = [](const Make& make) {
    const auto memory = shared_memory_backend();
    auto store = value_of(StorageOptimizer::open(make(memory)));
    Model model;
    for (NodeId node = 0; node < 10; ++node) {
      model[{node, 1}] = Exception{};
      value_of(store.store_exception({node, 1}, model[{node, 1}]));
    }
    auto crashed = value_of(StorageOptimizer::open(make(image_of(*memory))));
    return same(crashed, model);
  };
  CHECK(with_tail(over<BackendDouble>()));
  CHECK_FALSE(with_tail(over<HidesDelta>()));
}

}  // namespace caveat::test
