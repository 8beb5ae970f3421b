#include "caveat/index_manager.h"

#include <algorithm>

#include "indexes/posting_container.h"
#include "indexes/posting_family.h"
#include "indexes/posting_reader.h"

namespace caveat {

IndexManager::IndexManager(KvBackend& backend, TermRules rules, posting::ContainerCache* cache)
    : rules_(rules) {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    families_[slot] = std::make_unique<PostingFamily>(kIndexFamilies[slot], backend);
    readers_[slot] = std::make_unique<PostingReader>(kIndexFamilies[slot], backend, cache);
  }
}
IndexManager::~IndexManager() = default;

bool IndexManager::note_damage(std::size_t slot, const StorageError& error) {
  if (error.code() != ErrorCode::corruption) return false;
  suspended_[slot] = true;
  damage_.push_back({kIndexFamilies[slot], error});
  families_[slot]->reset();
  return true;
}

Result<void> IndexManager::apply(HintChanges& changes, KvBatch& out) {
  changes.sort();
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    if (suspended_[slot]) continue;
    if (auto applied = families_[slot]->apply(changes.families[slot], out); !applied) {
      if (!note_damage(slot, applied.error())) return applied;
    } else if (const auto damage = families_[slot]->take_damage()) {
      // What is in the batch by now is sound, only not enough.
      static_cast<void>(note_damage(slot, *damage));
    }
  }
  return {};
}

void IndexManager::remove_last(HintChanges& removals, KvBatch& out) {
  removals.sort();
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    if (!suspended_[slot]) families_[slot]->remove_last(removals.families[slot], out);
  }
}

Result<bool> IndexManager::rewrite_next(KvBatch& out) {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    if (suspended_[slot]) continue;
    auto done = families_[slot]->rewrite_next(out);
    if (!done && !note_damage(slot, done.error())) return done;
    if (done && *done) return true;
  }
  return false;
}

void IndexManager::queue_rewrite(Family family, std::string_view key) {
  if (!is_index_family(family) || suspended(family)) return;
  families_[index_slot(family)]->queue_rewrite(key);
}

Result<void> IndexManager::queue_all() {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    if (suspended_[slot]) continue;
    auto queued = families_[slot]->queue_all();
    if (!queued && !note_damage(slot, queued.error())) return queued;
  }
  return {};
}

void IndexManager::committed() noexcept {
  for (auto& family : families_) family->committed();
}

void IndexManager::reset() noexcept {
  for (auto& family : families_) family->reset();
}

Result<void> IndexManager::build(Family family, const PairSource& next, const BatchSink& commit,
                                 Erase erase) {
  if (!is_index_family(family))
    return fail(ErrorCode::invalid_argument, "index build: not a secondary family");
  return families_[index_slot(family)]->build(next, commit, erase);
}

bool IndexManager::needs_rewrite(std::string_view container) noexcept {
  return posting::wants_rewrite(posting::summarise(container));
}

Result<std::vector<PartitionId>> IndexManager::lookup(const TermRange& range,
                                                      const KvSnapshot* snapshot) const {
  if (range.lo > range.hi) return std::vector<PartitionId>();
  return readers_[index_slot(range.family)]->lookup(range.lo, range.hi, snapshot);
}

Result<PostingEstimate> IndexManager::estimate(const TermRange& range,
                                               const KvSnapshot* snapshot) const {
  if (range.lo > range.hi) return PostingEstimate{0, 0, true, false};
  CAVEAT_ASSIGN(const auto probe,
                readers_[index_slot(range.family)]->probe(range.lo, range.hi, snapshot));
  return probe.estimate;
}

Result<std::unique_ptr<PostingCursor>> IndexManager::cursor(const TermRange& range, bool descending,
                                                            const KvSnapshot* snapshot) const {
  if (range.lo > range.hi)
    return fail(ErrorCode::invalid_argument, "index cursor: the range of terms is empty");
  return readers_[index_slot(range.family)]->cursor(range.lo, range.hi, descending, snapshot);
}

Result<void> IndexManager::for_each_pair(Family family, const KvSnapshot* snapshot,
                                         const PairVisitor& on_pair,
                                         const ErrorVisitor& on_error) const {
  return readers_[index_slot(family)]->for_each_pair(snapshot, on_pair, on_error);
}

Result<PostingStatistics> IndexManager::statistics(Family family,
                                                   const KvSnapshot* snapshot) const {
  return readers_[index_slot(family)]->statistics(snapshot);
}

PostingStatistics IndexManager::known_statistics(Family family) const noexcept {
  return families_[index_slot(family)]->known_statistics();
}

}  // namespace caveat
