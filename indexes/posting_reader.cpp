#include "indexes/posting_reader.h"

#include <algorithm>

#include "indexes/posting_container.h"
#include "indexes/posting_walk.h"

namespace caveat {

using namespace detail;

namespace {

constexpr std::uint64_t kAllTerms = ~std::uint64_t{0};
// How many containers an estimate looks at. Beyond, every plan has seen enough.
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
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, lo, hi));
  while (walk.valid()) {
    CAVEAT_TRY(walk.take(false, pairs));
    ids.add(pairs);
  }
  return ids.take();
}

Result<PostingEstimate> PostingReader::estimate(std::uint64_t lo, std::uint64_t hi,
                                                const KvSnapshot* snapshot) const {
  PostingEstimate estimate;
  estimate.exact = true;
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, lo, hi));
  while (walk.valid()) {
    if (estimate.containers == kEstimateContainers) {
      estimate.floor = true;
      estimate.exact = false;
      break;
    }
    ++estimate.containers;
    // The first and the last reach out of the range, and must be read; of those between the
    // headers suffice. The last is known only by the next key: keep its value until then.
    const auto lower = walk.lower();
    const bool first = lower.term < lo || (lower.term == lo && estimate.containers == 1);
    if (first) {
      CAVEAT_TRY(walk.take(false, pairs));
      estimate.pairs += pairs.size();
      continue;
    }
    const std::string value(walk.value());
    CAVEAT_TRY(walk.skip());
    if (walk.valid() || hi == kAllTerms) {
      const auto summary = summarise(value);
      estimate.pairs += summary.pairs + summary.adds;
      estimate.exact = estimate.exact && summary.change_bytes == 0 && summary.sound;
      continue;
    }
    pairs.clear();
    if (auto read = read_container(value, lo, hi, false, pairs); !read)
      return fail(at_container(family_, container_key(lower), read.error()));
    estimate.pairs += pairs.size();
  }
  return estimate;
}

Result<void> PostingReader::for_each_pair(const KvSnapshot* snapshot,
                                          const IndexManager::PairVisitor& on_pair,
                                          const IndexManager::ErrorVisitor& on_error) const {
  std::vector<PostingPair> pairs;
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, 0, kAllTerms));
  while (walk.valid()) {
    const auto lower = walk.lower();
    auto taken = walk.take(true, pairs);
    if (!taken) {
      // A damaged value is passed over; anything else ends the walk.
      const bool moved = !walk.valid() || walk.lower() != lower;
      if (taken.error().code() != ErrorCode::corruption || !moved) return taken;
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
  CAVEAT_ASSIGN(auto walk, PostingWalk::start(family_, backend_, snapshot, 0, kAllTerms));
  while (walk.valid()) {
    const auto summary = summarise(walk.value());
    ++statistics.containers;
    statistics.bytes += summary.bytes + kContainerKeyBytes;
    statistics.pairs += summary.pairs;
    statistics.pending_changes += summary.adds + summary.removes;
    CAVEAT_TRY(walk.skip());
  }
  return statistics;
}

}  // namespace caveat
