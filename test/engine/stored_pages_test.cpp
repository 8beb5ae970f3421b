// What is read of the stored directory where some of it cannot be: which pages are believed then.
#include "engine/store/stored_pages.h"

#include <catch2/catch.hpp>

#include "engine/partition/container.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

// Ends where it was told to, and fails at one key.
class Torn final : public KvIterator {
 public:
  Torn(std::unique_ptr<KvIterator> inner, std::string end, std::string damaged)
      : inner_(std::move(inner)), end_(std::move(end)), damaged_(std::move(damaged)) {}
  void seek_to_first() override { inner_->seek_to_first(); }
  void seek(std::string_view key) override { inner_->seek(key); }
  void seek_for_prev(std::string_view key) override { inner_->seek_for_prev(key); }
  void next() override { inner_->next(); }
  void prev() override { inner_->prev(); }
  [[nodiscard]] bool valid() const override { return stands() && inner_->key() != damaged_; }
  [[nodiscard]] std::string_view key() const override { return inner_->key(); }
  [[nodiscard]] std::string_view value() const override { return inner_->value(); }
  [[nodiscard]] Result<void> status() const override {
    if (stands() && !valid()) return fail(ErrorCode::corruption, "damaged");
    return inner_->status();
  }

 private:
  [[nodiscard]] bool stands() const { return inner_->valid() && inner_->key() < end_; }

  std::unique_ptr<KvIterator> inner_;
  std::string end_, damaged_;
};

class TornBackend final : public BackendDouble {
 public:
  TornBackend(std::shared_ptr<KvBackend> inner, std::string damaged)
      : BackendDouble(std::move(inner)), damaged_(std::move(damaged)) {}
  Result<std::unique_ptr<KvIterator>> iterate_below(Family family, std::string_view end,
                                                    const KvSnapshot* snapshot,
                                                    bool readahead) override {
    CAVEAT_ASSIGN(auto it, inner().iterate(family, snapshot, readahead));
    return std::make_unique<Torn>(std::move(it), std::string(end), damaged_);
  }

 private:
  std::string damaged_;
};

std::string key_of(char kind, NodeId node) {
  return kind + std::string(encode_key({node, 0}));
}

// Pages at the nodes 10, 20 and 30, the second of which is out of date.
StoredPages pages_with(const std::string& damaged) {
  const auto memory = shared_memory_backend();
  KvBatch batch;
  for (const NodeId node : {10, 20, 30}) batch.put(Family::meta, key_of('D', node), "page");
  batch.put(Family::meta, key_of('X', 20), "");
  value_of(memory->write(batch, Durability::wal));
  TornBackend backend(memory, damaged);
  return value_of(read_stored_pages(backend));
}

// The nodes of pages that are believed.
std::vector<NodeId> believed(const StoredPages& stored) {
  std::vector<NodeId> nodes;
  for (const auto& page : stored.pages)
    if (stored.believable(page)) nodes.push_back(page.lower.node_id);
  return nodes;
}

using Nodes = std::vector<NodeId>;

}  // namespace

TEST_CASE("pages that are whole are believed, but for those that are marked") {
  const auto stored = pages_with("");
  CHECK(stored.pages.size() == 3);
  CHECK(stored.marks_readable);
  CHECK_FALSE(stored.gap_before);
  CHECK(stored.damage.empty());
  CHECK(believed(stored) == Nodes{10, 30});
}

TEST_CASE("no page is believed where the marks cannot be read") {
  const auto stored = pages_with(key_of('X', 20));
  CHECK(stored.pages.size() == 3);
  CHECK_FALSE(stored.marks_readable);
  CHECK(stored.damage.size() == 1);
  CHECK(believed(stored).empty());
}

TEST_CASE("a page before one that cannot be read is not believed, and those behind are found") {
  const auto second = pages_with(key_of('D', 20));
  CHECK(second.pages.size() == 2);
  CHECK_FALSE(second.gap_before);
  CHECK(second.damage.size() == 1);
  CHECK(believed(second) == Nodes{30});
  const auto first = pages_with(key_of('D', 10));
  CHECK(first.pages.size() == 2);
  CHECK(first.gap_before);
  CHECK(believed(first) == Nodes{30});
}

}  // namespace caveat::test
