// A store whose backend fails where a test says so: at some keys, or for some families as a whole.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/partition/container.h"
#include "engine/store/engine.h"
#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test::patient {

inline const PropertyHash kProperty = hash_property("p");
inline constexpr NodeId kNodes = 2000;

inline Exception exception_of(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.reason = "record of node " + std::to_string(node * 7919);
  exception.created_at = static_cast<std::int64_t>(node);
  return exception;
}

// What is wrong with a backend. Reads of the places fail, and of several keys if one of them does.
struct Ailment {
  std::map<std::pair<Family, std::string>, ErrorCode> places;
  std::map<Family, ErrorCode> walks;   // iterators of these families cannot be made
  std::map<Family, ErrorCode> writes;  // nor batches written in which they are
  KvObserver* observer = nullptr;
};

class Ailing final : public BackendDouble {
 public:
  Ailing(std::shared_ptr<KvBackend> inner, std::shared_ptr<Ailment> ailment)
      : BackendDouble(std::move(inner)), ailment_(std::move(ailment)) {}
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    CAVEAT_TRY(ask(family, key));
    return BackendDouble::get(family, key, snapshot, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    for (const auto key : keys) CAVEAT_TRY(ask(family, key));
    return BackendDouble::multi_get(family, keys, snapshot, values, found);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (const auto ill = ailment_->walks.find(family); ill != ailment_->walks.end()) {
      return fail(ill->second, "a walk");
    }
    return BackendDouble::iterate(family, snapshot, readahead);
  }
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t i = 0; i < batch.count(); ++i) {
      const auto ill = ailment_->writes.find(batch.entry(i).family);
      if (ill != ailment_->writes.end()) return fail(ill->second, "a bad batch");
    }
    return BackendDouble::write(batch, durability);
  }
  void set_observer(KvObserver* observer) override {
    ailment_->observer = observer;
    BackendDouble::set_observer(observer);
  }

 private:
  Result<void> ask(Family family, std::string_view key) const {
    const auto ill = ailment_->places.find({family, std::string(key)});
    return ill == ailment_->places.end() ? Result<void>() : fail(ill->second, "a bad place");
  }
  std::shared_ptr<Ailment> ailment_;
};

struct Patient {
  std::shared_ptr<KvBackend> backend = shared_memory_backend();
  std::shared_ptr<Ailment> ailment = std::make_shared<Ailment>();
  std::vector<std::string> told;
  Options options = plain_options();

  Patient() {
    options.on_background_error = [this](const StorageError& error) {
      told.push_back(error.message());
    };
  }
  [[nodiscard]] StorageOptimizer open() {
    return value_of(StorageOptimizer::open(std::make_unique<Ailing>(backend, ailment), options));
  }
  // With kNodes records, in partitions.
  [[nodiscard]] StorageOptimizer filled() {
    auto store = open();
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.flush());
    return store;
  }
  // The same as after a crash.
  void crash() { backend = image_of(*backend); }
  [[nodiscard]] std::vector<std::string> keys(Family family = Family::primary) const {
    std::vector<std::string> keys;
    auto it = value_of(backend->iterate(family, nullptr, false));
    for (it->seek_to_first(); it->valid(); it->next()) keys.emplace_back(it->key());
    return keys;
  }
  void make_ill(std::size_t place, ErrorCode code) {
    ailment->places[{Family::primary, keys().at(place)}] = code;
  }
  [[nodiscard]] std::string take_out(std::size_t place) const {
    KvBatch batch;
    const auto key = keys().at(place);
    std::string value = stored_under(*backend, Family::primary, key);
    batch.erase(Family::primary, key);
    value_of(backend->write(batch, Durability::wal));
    return value;
  }
  void put_back(const std::string& key, const std::string& value) const {
    KvBatch batch;
    batch.put(Family::primary, key, value);
    value_of(backend->write(batch, Durability::wal));
  }
  [[nodiscard]] std::size_t told_of(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(told.begin(), told.end(), [&](const auto& one) {
      return one.find(part) != std::string::npos;
    }));
  }
};

inline void require_all_there(StorageOptimizer& store) {
  REQUIRE(value_of(store.count({})) == kNodes);
  for (NodeId node = 0; node < kNodes; node += 7) {
    const auto there = value_of(store.retrieve_exception({node, kProperty}));
    REQUIRE(there);
    REQUIRE(*there == exception_of(node));
  }
  const auto found = value_of(store.verify());
  for (const auto& error : found.errors) UNSCOPED_INFO(error);
  CHECK(found.sound());
}

inline Mutator& mutator_of(StorageOptimizer& store) {
  return store.engine().mutator();
}

inline std::size_t with_filters(StorageOptimizer& store) {
  std::size_t count = 0;
  const auto version = store.engine().core().versions.current();
  for (const auto& group : version->directory->groups()) {
    for (const auto& entry : group->entries) count += entry.filter ? 1U : 0U;
  }
  return count;
}

inline std::size_t partitions_of(StorageOptimizer& store) {
  return store.engine().core().versions.current()->directory->partition_count();
}

// Says yes to everything, and calls back once at a stage.
class CallsAt final : public ProgressSink {
 public:
  CallsAt(std::string stage, std::function<void()> call)
      : stage_(std::move(stage)), call_(std::move(call)) {}
  [[nodiscard]] bool on_progress(const Progress& progress) override {
    if (progress.stage == stage_ && call_) std::exchange(call_, nullptr)();
    return true;
  }

 private:
  const std::string stage_;
  std::function<void()> call_;
};

}  // namespace caveat::test::patient
