// The backend of a salvaged store: values are read from the damaged store's own files when they
// are asked for.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "adapters/rocksdb/salvage_state.h"
#include "adapters/rocksdb/status.h"
#include "engine/store/salvaged_view.h"

namespace caveat::detail {
namespace {

class Nothing final : public KvSnapshot {};

// The block that was read last: neighbours lie in one.
class BlockReader {
 public:
  explicit BlockReader(const SalvageState& state) : state_(state) {}

  Result<std::string_view> value(const ValuePlace& place) {
    if (place.table == ValuePlace::kInMemory) {
      return std::string_view(state_.memory[place.entry]);
    }
    if (place.table != table_ || place.block.offset != offset_) CAVEAT_TRY(load(place));
    BlockEntries entries(block_);
    TableEntry entry;
    for (std::uint32_t i = 0; entries.next(entry); ++i) {
      if (i == place.entry) return entry.value;
    }
    return changed(place);
  }

 private:
  Result<void> load(const ValuePlace& place) {
    table_ = ValuePlace::kInMemory;
    const SalvagedTable& table = state_.tables[place.table];
    const int fd = ::open(table.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return fail(ErrorCode::io_error, table.path.string() + ": " + std::strerror(errno));
    }
    std::string bytes(place.block.bytes + kBlockTrailerBytes, '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
      const ssize_t got = ::pread(fd, bytes.data() + have, bytes.size() - have,
                                  static_cast<off_t>(place.block.offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    ::close(fd);
    auto block = have == bytes.size() ? read_block(bytes, {0, place.block.bytes}, table.checksum)
                                      : std::nullopt;
    if (!block) return changed(place);
    block_ = std::move(*block);
    table_ = place.table;
    offset_ = place.block.offset;
    return {};
  }
  [[nodiscard]] tl::unexpected<StorageError> changed(const ValuePlace& place) const {
    return fail(ErrorCode::corruption, state_.tables[place.table].path.string() + ", byte " +
                                           std::to_string(place.block.offset) +
                                           ": it was sound a moment ago, and is not any more");
  }

  const SalvageState& state_;
  std::string block_;
  std::uint32_t table_ = ValuePlace::kInMemory;
  std::uint64_t offset_ = 0;
};

Result<std::string> joined(BlockReader& reader, const ValueChain& chain) {
  JoinedValue value;
  for (std::size_t i = 0; i < chain.parts.size(); ++i) {
    CAVEAT_ASSIGN(const auto part, reader.value(chain.parts[i]));
    value.add(part, i == 0 && chain.begins);
  }
  return value.take();
}

using States = std::map<std::string, ValueChain, std::less<>>;

class SalvageIterator final : public KvIterator {
 public:
  SalvageIterator(const SalvageState& state, Family family)
      : reader_(state), states_(state.families[static_cast<std::size_t>(family)]) {
    at_ = states_.end();
  }
  void seek_to_first() override { settle(states_.begin()); }
  void seek(std::string_view key) override { settle(states_.lower_bound(key)); }
  void seek_for_prev(std::string_view key) override {
    const auto behind = states_.upper_bound(key);
    settle(behind == states_.begin() ? states_.end() : std::prev(behind));
  }
  void next() override { settle(std::next(at_)); }
  void prev() override { settle(at_ == states_.begin() ? states_.end() : std::prev(at_)); }
  [[nodiscard]] bool valid() const override { return at_ != states_.end() && status_; }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return value_; }
  [[nodiscard]] Result<void> status() const override { return status_; }

 private:
  void settle(States::const_iterator at) {
    at_ = at;
    status_ = {};
    if (at_ == states_.end()) return;
    auto value = joined(reader_, at_->second);
    if (value) {
      value_ = std::move(*value);
    } else {
      status_ = fail(value.error());
    }
  }

  BlockReader reader_;
  const States& states_;
  States::const_iterator at_;
  std::string value_;
  Result<void> status_;
};

class SalvageBackend final : public SalvagedBackend {
 public:
  SalvageBackend(SalvageState state, StorageError why)
      : state_(std::move(state)), why_(std::move(why)), reader_(state_) {}

  Result<void> write(const KvBatch&, Durability) override { return fail(why_); }
  Result<bool> get(Family family, std::string_view key, const KvSnapshot*,
                   std::string& value) override {
    const auto& states = state_.families[static_cast<std::size_t>(family)];
    const auto found = states.find(key);
    if (found == states.end()) return false;
    const std::lock_guard lock(mutex_);
    auto whole = joined(reader_, found->second);
    if (!whole) return fail(whole.error().within(key_place(family, key)));
    value = std::move(*whole);
    return true;
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      values[i].clear();
      CAVEAT_ASSIGN(found[i], get(family, keys[i], snapshot, values[i]));
    }
    return {};
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot*, bool) override {
    return std::make_unique<SalvageIterator>(state_, family);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override {
    return std::make_shared<const Nothing>();
  }
  Result<void> flush() override { return fail(why_); }
  Result<void> compact(Family, const std::function<bool()>&) override { return fail(why_); }
  std::optional<StorageError> read_only() const override { return why_; }
  Result<KvProperties> properties() const override { return KvProperties{}; }
  bool persistent() const noexcept override { return true; }
  void set_observer(KvObserver*) override {}
  Result<void> close() override { return {}; }

 private:
  const SalvageState state_;
  const StorageError why_;
  std::mutex mutex_;
  BlockReader reader_;
};

}  // namespace

std::unique_ptr<KvBackend> make_salvage_backend(SalvageState state, StorageError why) {
  return std::make_unique<SalvageBackend>(std::move(state), std::move(why));
}

}  // namespace caveat::detail
