#include "engine/store/salvaged_view.h"

#include <map>
#include <mutex>
#include <string>

#include "engine/model/bytes.h"
#include "engine/partition/container.h"

namespace caveat {

namespace {

class SalvagedView final : public SalvagedBackend {
 public:
  explicit SalvagedView(std::unique_ptr<KvBackend> inner) : inner_(std::move(inner)) {}

  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    CAVEAT_ASSIGN(const bool found, inner_->get(family, key, snapshot, value));
    if (found && lacks_header(family, value)) add_header(key, value);
    return found;
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    CAVEAT_TRY(inner_->multi_get(family, keys, snapshot, values, found));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (found[i] && lacks_header(family, values[i])) add_header(keys[i], values[i]);
    }
    return {};
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    CAVEAT_ASSIGN(auto inner, inner_->iterate(family, snapshot, readahead));
    return std::make_unique<Iterator>(*this, family, std::move(inner));
  }

  Result<void> write(const KvBatch& batch, Durability durability) override {
    return inner_->write(batch, durability);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override { return inner_->snapshot(); }
  Result<void> flush() override { return inner_->flush(); }
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
    return inner_->compact(family, keep_going);
  }
  std::optional<StorageError> read_only() const override { return inner_->read_only(); }
  Result<KvProperties> properties() const override { return inner_->properties(); }
  bool persistent() const noexcept override { return inner_->persistent(); }
  void set_observer(KvObserver* observer) override { inner_->set_observer(observer); }
  Result<void> close() override { return inner_->close(); }

 private:
  class Iterator final : public KvIterator {
   public:
    Iterator(SalvagedView& view, Family family, std::unique_ptr<KvIterator> inner)
        : view_(view), family_(family), inner_(std::move(inner)) {}
    void seek_to_first() override { inner_->seek_to_first(); }
    void seek(std::string_view key) override { inner_->seek(key); }
    void seek_for_prev(std::string_view key) override { inner_->seek_for_prev(key); }
    void next() override { inner_->next(); }
    void prev() override { inner_->prev(); }
    [[nodiscard]] bool valid() const override { return inner_->valid(); }
    [[nodiscard]] std::string_view key() const override { return inner_->key(); }
    [[nodiscard]] std::string_view value() const override {
      const std::string_view value = inner_->value();
      if (!lacks_header(family_, value)) return value;
      whole_ = value;
      view_.add_header(inner_->key(), whole_);
      return whole_;
    }
    [[nodiscard]] Result<void> status() const override { return inner_->status(); }

   private:
    SalvagedView& view_;
    const Family family_;
    const std::unique_ptr<KvIterator> inner_;
    mutable std::string whole_;
  };

  static bool lacks_header(Family family, std::string_view value) noexcept {
    return family == Family::primary && value.size() >= kRunHeaderBytes &&
           get_fixed<std::uint32_t>(value, 0) == kRunMagic;
  }

  void add_header(std::string_view key, std::string& value) {
    PartitionId id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ids_.try_emplace(std::string(key), kStandInIds + ids_.size()).first->second;
    }
    std::string whole;
    append_container_header(id, whole);
    value.insert(0, whole);
  }

  const std::unique_ptr<KvBackend> inner_;
  std::mutex mutex_;
  std::map<std::string, PartitionId> ids_;  // by the partition's key
};

}  // namespace

std::unique_ptr<KvBackend> make_salvaged_view(std::unique_ptr<KvBackend> inner) {
  return std::make_unique<SalvagedView>(std::move(inner));
}

}  // namespace caveat
