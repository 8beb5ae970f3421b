#include "adapters/memory/memory_backend.h"

#include <array>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include "adapters/memory/family_table.h"
#include "adapters/memory/memory_iterator.h"
#include "adapters/memory/observer_slot.h"
#include "adapters/memory/snapshot_registry.h"
#include "pool/invariant.h"

namespace caveat {
namespace {

using detail::FamilyTable;
using detail::Stamp;
using detail::ValueVersion;

constexpr std::size_t index_of(Family family) noexcept {
  return static_cast<std::size_t>(family);
}

class MemoryBackend;

class MemorySnapshot final : public KvSnapshot {
 public:
  MemorySnapshot(MemoryBackend& backend, Stamp stamp) : backend_(backend), stamp_(stamp) {}
  ~MemorySnapshot() override;
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;
  [[nodiscard]] Stamp stamp() const noexcept { return stamp_; }

 private:
  MemoryBackend& backend_;
  Stamp stamp_;
};

class MemoryBackend final : public KvBackend {
 public:
  explicit MemoryBackend(MemoryBackendOptions options) : options_(options) {}

  Result<void> write(const KvBatch& batch, Durability durability) override;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override;
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override;
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override;
  Result<void> flush() override;
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override;
  Result<KvProperties> properties() const override;
  bool persistent() const noexcept override { return false; }
  void set_observer(KvObserver* observer) override { observer_.set(observer); }
  Result<void> close() override;

  void release(Stamp stamp) noexcept;

 private:
  struct Candidates {
    std::vector<std::string> keys;
    bool more = false;
  };
  using CandidateLists = std::array<Candidates, kFamilyCount>;

  [[nodiscard]] FamilyTable& table(Family family) noexcept { return tables_[index_of(family)]; }
  [[nodiscard]] tl::unexpected<StorageError> closed() const {
    return fail(ErrorCode::closed, "the in-memory store is closed");
  }
  // Newest for a null snapshot: the published stamp, read under the family's lock.
  [[nodiscard]] Stamp stamp_of(const KvSnapshot* snapshot) const noexcept {
    return snapshot != nullptr ? static_cast<const MemorySnapshot*>(snapshot)->stamp()
                               : registry_.published();
  }
  void apply(const KvBatch& batch, Stamp stamp);
  void settle(FamilyTable::Map& garbage) noexcept;
  void sweep_if_asked(FamilyTable::Map& garbage) noexcept;
  void note_candidates(const KvObserver& observer, CandidateLists& lists) const;
  void offer(const KvObserver& observer, Family family, std::string_view key,
             std::string_view value, Candidates& list) const;

  MemoryBackendOptions options_;
  detail::ObserverSlot observer_;
  std::atomic<bool> closed_{false};
  std::mutex write_mutex_;  // one writer; before any family's lock
  std::array<FamilyTable, kFamilyCount> tables_;
  detail::SnapshotRegistry registry_;
  std::vector<Stamp> snapshots_;  // the writer's copy of the registry's list
  std::atomic<bool> sweep_asked_{false};
};

MemorySnapshot::~MemorySnapshot() {
  backend_.release(stamp_);
}

void MemoryBackend::apply(const KvBatch& batch, Stamp stamp) {
  // A family's lock is held from one entry to the next while the family stays the same.
  std::unique_lock<std::shared_mutex> lock;
  FamilyTable* held = nullptr;
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    FamilyTable& target = table(entry.family);
    if (held != &target) {
      if (lock.owns_lock()) lock.unlock();
      lock = std::unique_lock(target.mutex());
      held = &target;
    }
    switch (entry.op) {
      case KvBatch::Op::put:
        target.put(stamp, entry.key, entry.value);
        break;
      case KvBatch::Op::erase:
        target.erase(stamp, entry.key);
        break;
      case KvBatch::Op::erase_range:
        target.erase_range(stamp, entry.key, entry.value);
        break;
      case KvBatch::Op::append:
        target.append(stamp, entry.key, entry.value);
        break;
    }
  }
}

void MemoryBackend::settle(FamilyTable::Map& garbage) noexcept {
  try {
    registry_.list(snapshots_);
  } catch (const std::bad_alloc&) {
    for (FamilyTable& family : tables_) family.defer();
    sweep_asked_.store(true, std::memory_order_relaxed);
    return;
  }
  for (FamilyTable& family : tables_) {
    if (!family.touched().empty()) family.settle(snapshots_, garbage);
  }
}

void MemoryBackend::sweep_if_asked(FamilyTable::Map& garbage) noexcept {
  if (!sweep_asked_.exchange(false, std::memory_order_relaxed)) return;
  try {
    registry_.list(snapshots_);
  } catch (const std::bad_alloc&) {
    sweep_asked_.store(true, std::memory_order_relaxed);
    return;
  }
  for (FamilyTable& family : tables_) family.sweep(snapshots_, garbage);
}

void MemoryBackend::offer(const KvObserver& observer, Family family, std::string_view key,
                          std::string_view value, Candidates& list) const {
  if (!observer.needs_rewrite(family, key, value)) return;
  if (list.keys.size() < options_.candidates_max) {
    list.keys.emplace_back(key);
  } else {
    list.more = true;
  }
}

// Between publication and settling: what was touched is what the batch put or appended.
void MemoryBackend::note_candidates(const KvObserver& observer, CandidateLists& lists) const {
  for (const Family family : kFamilies) {
    if (!detail::rewritable(family)) continue;
    for (const FamilyTable::Node node : tables_[index_of(family)].touched()) {
      const ValueVersion* value = node->second.versions.newest();
      if (value == nullptr) continue;
      offer(observer, family, node->first, value->view(), lists[index_of(family)]);
    }
  }
}

Result<void> MemoryBackend::write(const KvBatch& batch, Durability) {
  FamilyTable::Map garbage;  // freed last, under no lock
  CandidateLists candidates;
  {
    const std::lock_guard writing(write_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return closed();
    const Stamp stamp = registry_.published() + 1;
    try {
      apply(batch, stamp);
      observer_.notify([&](const KvObserver& o) { note_candidates(o, candidates); });
    } catch (...) {
      for (FamilyTable& family : tables_) {
        const std::unique_lock lock(family.mutex());
        family.roll_back(stamp);
      }
      throw;
    }
    registry_.publish(stamp);
    settle(garbage);
    sweep_if_asked(garbage);
  }
  for (const Family family : kFamilies) {
    const Candidates& list = candidates[index_of(family)];
    if (list.keys.empty()) continue;
    observer_.notify([&](KvObserver& o) { o.on_rewrite_candidates(family, list.keys, list.more); });
  }
  return {};
}

Result<bool> MemoryBackend::get(Family family, std::string_view key, const KvSnapshot* snapshot,
                                std::string& value) {
  FamilyTable& from = table(family);
  const std::shared_lock lock(from.mutex());
  if (closed_.load(std::memory_order_relaxed)) return closed();
  const ValueVersion* version = from.find(key, stamp_of(snapshot));
  if (version == nullptr) {
    value.clear();
    return false;
  }
  value.assign(version->view());
  return true;
}

Result<void> MemoryBackend::multi_get(Family family, std::span<const std::string_view> keys,
                                      const KvSnapshot* snapshot, std::span<std::string> values,
                                      std::span<bool> found) {
  CAVEAT_ASSERT(keys.size() == values.size() && keys.size() == found.size());
  FamilyTable& from = table(family);
  const std::shared_lock lock(from.mutex());  // one view for all of them
  if (closed_.load(std::memory_order_relaxed)) return closed();
  const Stamp stamp = stamp_of(snapshot);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const ValueVersion* version = from.find(keys[i], stamp);
    found[i] = version != nullptr;
    values[i].assign(version != nullptr ? version->view() : std::string_view());
  }
  return {};
}

Result<std::unique_ptr<KvIterator>> MemoryBackend::iterate(Family family, const KvSnapshot* given,
                                                           bool) {
  if (closed_.load(std::memory_order_relaxed)) return closed();
  std::shared_ptr<const KvSnapshot> owned;
  if (given == nullptr) {
    CAVEAT_ASSIGN(owned, snapshot());
    given = owned.get();
  }
  const Stamp stamp = stamp_of(given);
  return std::make_unique<detail::MemoryIterator>(table(family), stamp, std::move(owned));
}

Result<std::shared_ptr<const KvSnapshot>> MemoryBackend::snapshot() {
  if (closed_.load(std::memory_order_relaxed)) return closed();
  const Stamp stamp = registry_.acquire();
  try {
    return std::make_shared<const MemorySnapshot>(*this, stamp);
  } catch (...) {
    release(stamp);
    throw;
  }
}

// What the snapshot kept goes now if no writer is busy, else with that writer's batch.
void MemoryBackend::release(Stamp stamp) noexcept {
  if (!registry_.release(stamp)) return;
  sweep_asked_.store(true, std::memory_order_relaxed);
  FamilyTable::Map garbage;
  const std::unique_lock writing(write_mutex_, std::try_to_lock);
  if (writing.owns_lock()) sweep_if_asked(garbage);
}

Result<void> MemoryBackend::flush() {
  if (closed_.load(std::memory_order_relaxed)) return closed();
  for (const Family family : kFamilies) {
    observer_.notify([&](KvObserver& o) { o.on_flush_done(family); });
  }
  return {};
}

Result<void> MemoryBackend::compact(Family family, const std::function<bool()>& keep_going) {
  constexpr std::size_t kStep = 1024;
  FamilyTable& target = table(family);
  const std::uint64_t before = target.bytes();
  Candidates candidates;
  std::string from;
  do {
    if (keep_going && !keep_going()) return compaction_stopped();
    FamilyTable::Map garbage;
    const std::lock_guard writing(write_mutex_);
    if (closed_.load(std::memory_order_relaxed)) return closed();
    sweep_if_asked(garbage);
    // The list is made under the family's lock: a snapshot made later reads the new buffers.
    const std::unique_lock lock(target.mutex());
    registry_.list(snapshots_);
    observer_.visit([&](const KvObserver* observer) {
      const bool ask = observer != nullptr && detail::rewritable(family);
      from = target.shrink(from, kStep, snapshots_,
                           [&](const std::string& key, const ValueVersion& value) {
                             if (ask) offer(*observer, family, key, value.view(), candidates);
                           });
    });
  } while (!from.empty());
  observer_.notify([&](KvObserver& o) {
    o.on_compaction_done(family, before, target.bytes());
    if (!candidates.keys.empty()) {
      o.on_rewrite_candidates(family, candidates.keys, candidates.more);
    }
  });
  return {};
}

Result<KvProperties> MemoryBackend::properties() const {
  if (closed_.load(std::memory_order_relaxed)) return closed();
  KvProperties properties;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    properties.families[i].memtable_bytes = tables_[i].bytes();
    properties.families[i].key_estimate = tables_[i].keys();
  }
  return properties;
}

Result<void> MemoryBackend::close() {
  std::array<FamilyTable::Map, kFamilyCount> garbage;
  const std::lock_guard writing(write_mutex_);
  if (closed_.exchange(true)) return {};
  // Snapshots should be gone. Where one is not, its memory stays until the backend goes.
  if (!registry_.empty()) return {};
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const std::unique_lock lock(tables_[i].mutex());
    tables_[i].clear(garbage[i]);
  }
  return {};
}

}  // namespace

std::unique_ptr<KvBackend> make_memory_backend(MemoryBackendOptions options) {
  return std::make_unique<MemoryBackend>(options);
}

}  // namespace caveat
