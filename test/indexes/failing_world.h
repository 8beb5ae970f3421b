// All index families over a backend whose reads can fail.
#pragma once

#include <catch2/catch.hpp>

#include "test/indexes/posting_world.h"
#include "test/support/backend_double.h"

namespace caveat::test {

// Reads fail from the one on that is `left` away; writes are the inner backend's.
class Failing final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    if (fails()) return fail(code, "get");
    return BackendDouble::get(family, key, snapshot, value);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (fails()) return fail(code, "iterate");
    return BackendDouble::iterate(family, snapshot, readahead);
  }
  int left = 1 << 30;
  ErrorCode code = ErrorCode::io_error;

 private:
  bool fails() { return left-- <= 0; }
};

// All four families, each with the same pairs, beside a backend that can fail.
struct Indexes {
  std::shared_ptr<KvBackend> memory = shared_memory_backend();
  Failing backend{memory};
  IndexManager manager{backend, {}};

  explicit Indexes(std::uint64_t pairs) {
    HintChanges changes;
    Random random(3);
    for (auto& family : changes.families) {
      for (std::uint64_t i = 0; i < pairs; ++i) {
        family.push_back({below(random, 90'000), below(random, 4'000), true});
      }
    }
    REQUIRE(apply(changes));
  }
  Result<void> apply(HintChanges& changes) {
    KvBatch batch;
    CAVEAT_TRY(manager.apply(changes, batch));
    CAVEAT_TRY(memory->write(batch, Durability::wal));
    manager.committed();
    return {};
  }
  [[nodiscard]] std::vector<std::string> keys(Family family) {
    std::vector<std::string> keys;
    const auto it = std::move(*memory->iterate(family, nullptr, false));
    for (it->seek_to_first(); it->valid(); it->next()) keys.emplace_back(it->key());
    return keys;
  }
  void put(Family family, std::string_view key, std::string_view value) {
    KvBatch batch;
    batch.put(family, key, value);
    REQUIRE(memory->write(batch, Durability::wal));
  }
  void erase(Family family, std::string_view key) {
    KvBatch batch;
    batch.erase(family, key);
    REQUIRE(memory->write(batch, Durability::wal));
  }
};

inline HintChanges one_change(std::uint64_t term, PartitionId partition) {
  HintChanges changes;
  for (auto& family : changes.families) family.push_back({term, partition, true});
  return changes;
}

template <class T>
void require_error(const Result<T>& result, ErrorCode code, const char* part = "") {
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == code);
  CHECK_THAT(result.error().message(), Catch::Contains(part));
}

}  // namespace caveat::test
