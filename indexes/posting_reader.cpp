#include "indexes/posting_reader.h"

#include <algorithm>

#include "indexes/posting_container.h"
#include "indexes/posting_walk.h"

namespace caveat {

using namespace posting;

namespace {

constexpr std::uint64_t kAllTerms = ~std::uint64_t{0};
// Containers that a probe reads, and those it looks at in all. Beyond, every plan has seen enough.
constexpr std::uint64_t kProbeContainers = 2;
constexpr std::uint64_t kEstimateContainers = 64;

// Distinct ids in memory that is bounded by their number.
class DistinctIds {
 public:
  void add(const std::vector<PostingPair>& pairs) {
    for (const auto& pair : pairs)
      if (ids_.empty() || ids_.back() != pair.partition) ids_.push_back(pair.partition);
    if (ids_.size() > 2 * distinct_ + 65536) shrink();
  }
  std::vector<PartitionId> take() {
    shrink();
    return std::move(ids_);
  }

 private:
  void shrink() {
    if (!std::is_sorted(ids_.begin(), ids_.end())) std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    distinct_ = ids_.size();
  }
  std::vector<PartitionId> ids_;
  std::size_t distinct_ = 0;
};

}  // namespace

Result<std::vector<PartitionId>> PostingReader::lookup(std::uint64_t lo, std::uint64_t hi,
                                                       const KvSnapshot* snapshot) const {
  DistinctIds ids;
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, lo, hi, cache_));
  while (walk.valid()) {
    CAVEAT_TRY(walk.take(false, pairs));
    ids.add(pairs);
  }
  return ids.take();
}

Result<PostingReader::Probe> PostingReader::probe(std::uint64_t lo, std::uint64_t hi,
                                                  const KvSnapshot* snapshot) const {
  Probe probe;
  auto& estimate = probe.estimate;
  DistinctIds ids;
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, lo, hi, cache_));
  for (; walk.valid() && estimate.containers < kProbeContainers; ++estimate.containers) {
    CAVEAT_TRY(walk.take(false, pairs));
    ids.add(pairs);
    estimate.pairs += pairs.size();
  }
  estimate.exact = !walk.valid();
  if (estimate.exact) {
    probe.ids = ids.take();
    return probe;
  }
  // Of the others the headers suffice. The last one reaches out of the range, which makes the
  // figure an upper one, by less than a container.
  for (; walk.valid(); ++estimate.containers) {
    if (estimate.containers == kEstimateContainers) {
      estimate.floor = true;
      break;
    }
    const auto summary = summarise(walk.value());
    estimate.pairs += summary.pairs + summary.adds;
    CAVEAT_TRY(walk.skip());
  }
  return probe;
}

Result<void> PostingReader::for_each_pair(const KvSnapshot* snapshot,
                                          const IndexManager::PairVisitor& on_pair,
                                          const IndexManager::ErrorVisitor& on_error) const {
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, 0, kAllTerms, nullptr));
  while (walk.valid()) {
    auto taken = walk.take(true, pairs);
    if (!taken) {
      // A damaged value is passed over, for the walk has moved on; anything else ends it.
      if (taken.error().code() != ErrorCode::corruption) return taken;
      on_error(taken.error());
      continue;
    }
    for (const auto& pair : pairs)
      if (!on_pair(pair)) return {};
  }
  return {};
}

Result<PostingStatistics> PostingReader::statistics(const KvSnapshot* snapshot) const {
  PostingStatistics statistics;
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, 0, kAllTerms, nullptr));
  while (walk.valid()) {
    const auto summary = summarise(walk.value());
    ++statistics.containers;
    statistics.bytes += summary.bytes + kContainerKeyBytes;
    statistics.pending_changes += summary.adds + summary.removes;
    if (summary.sound && summary.adds + summary.removes == 0) {
      statistics.pairs += summary.pairs;
      CAVEAT_TRY(walk.skip());
    } else {
      // Changes may say again what is there, and what they remove may not be: only reading tells.
      CAVEAT_TRY(walk.take(false, pairs));
      statistics.pairs += pairs.size();
    }
  }
  return statistics;
}

}  // namespace caveat
