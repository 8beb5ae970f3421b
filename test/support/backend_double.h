// A backend around another one: it passes everything on, and a test overrides what shall go wrong.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/memory/memory_backend.h"
#include "caveat/kv_backend.h"

namespace caveat::test {

class BackendDouble : public KvBackend {
 public:
  // The inner backend is shared, and close() leaves it open: so a store in memory can be reopened.
  explicit BackendDouble(std::shared_ptr<KvBackend> inner) : inner_(std::move(inner)) {}

  Result<void> write(const KvBatch& batch, Durability durability) override {
    return inner_->write(batch, durability);
  }
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    return inner_->get(family, key, snapshot, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    return inner_->multi_get(family, keys, snapshot, values, found);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    return inner_->iterate(family, snapshot, readahead);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override { return inner_->snapshot(); }
  Result<void> flush() override { return inner_->flush(); }
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
    return inner_->compact(family, keep_going);
  }
  Result<void> clear(Family family) override { return inner_->clear(family); }
  Result<KvProperties> properties() const override { return inner_->properties(); }
  bool persistent() const noexcept override { return inner_->persistent(); }
  void set_observer(KvObserver* observer) override { inner_->set_observer(observer); }
  Result<void> close() override { return {}; }

 protected:
  [[nodiscard]] KvBackend& inner() noexcept { return *inner_; }

 private:
  std::shared_ptr<KvBackend> inner_;
};

[[nodiscard]] inline std::shared_ptr<KvBackend> shared_memory_backend() {
  return make_memory_backend();
}

// Like a crash: what the backend holds now, without the store being closed. Of one moment for all
// families: maintenance may be writing, and a batch is there whole or not at all.
[[nodiscard]] inline std::shared_ptr<KvBackend> image_of(KvBackend& backend) {
  auto copy = shared_memory_backend();
  const auto snapshot = std::move(backend.snapshot().value());
  for (const Family family : kFamilies) {
    auto it = std::move(backend.iterate(family, snapshot.get(), false).value());
    KvBatch batch;
    for (it->seek_to_first(); it->valid(); it->next()) batch.put(family, it->key(), it->value());
    if (!batch.empty() && !copy->write(batch, Durability::wal)) return nullptr;
  }
  return copy;
}

// The batch without the entries that `drop` names.
template <class Drop>
[[nodiscard]] KvBatch without(const KvBatch& batch, const Drop& drop) {
  KvBatch kept;
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const auto entry = batch.entry(i);
    if (drop(entry)) continue;
    switch (entry.op) {
      case KvBatch::Op::put:
        kept.put(entry.family, entry.key, entry.value);
        break;
      case KvBatch::Op::erase:
        kept.erase(entry.family, entry.key);
        break;
      case KvBatch::Op::erase_range:
        kept.erase_range(entry.family, entry.key, entry.value);
        break;
      case KvBatch::Op::append:
        kept.append(entry.family, entry.key, entry.value);
        break;
    }
  }
  return kept;
}

// What an operator would like to see: the entry under a key, or nothing.
[[nodiscard]] inline std::string stored_under(KvBackend& backend, Family family,
                                              std::string_view key) {
  std::string value;
  const auto found = backend.get(family, key, nullptr, value);
  return found && *found ? value : std::string();
}

// Keeps what is stored after each write, once `keep` is set.
class KeepsImages final : public BackendDouble {
 public:
  struct Images {
    bool keep = false;
    std::vector<std::shared_ptr<KvBackend>> after;
  };
  KeepsImages(std::shared_ptr<KvBackend> inner, std::shared_ptr<Images> images)
      : BackendDouble(std::move(inner)), images_(std::move(images)) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    CAVEAT_TRY(BackendDouble::write(batch, durability));
    if (images_->keep) images_->after.push_back(image_of(inner()));
    return {};
  }

 private:
  std::shared_ptr<Images> images_;
};

}  // namespace caveat::test
