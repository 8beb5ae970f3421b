// Which partitions can hold records that meet several conditions.
#include <algorithm>
#include <iterator>

#include "caveat/index_manager.h"

namespace caveat {
namespace {

// A pair of a list costs some nanoseconds to decode, a partition too many some tens of
// microseconds to visit: a list is worth reading up to this many times the candidates so far.
constexpr std::uint64_t kPairsPerCandidate = 1024;

}  // namespace

std::vector<PartitionId> intersect_sorted(std::span<const PartitionId> a,
                                          std::span<const PartitionId> b) {
  if (a.size() > b.size()) std::swap(a, b);
  std::vector<PartitionId> both;
  auto at = b.begin();
  for (const auto id : a) {
    // Gallop: double the step until it is too far, then search in the last one.
    std::ptrdiff_t step = 1;
    while (step < b.end() - at && at[step] < id) step *= 2;
    at = std::lower_bound(at, at + std::min<std::ptrdiff_t>(step + 1, b.end() - at), id);
    if (at == b.end()) break;
    if (*at == id) both.push_back(id);
  }
  return both;
}

std::vector<PartitionId> unite_sorted(std::span<const PartitionId> a,
                                      std::span<const PartitionId> b) {
  std::vector<PartitionId> either;
  either.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(either));
  return either;
}

Result<IndexCandidates> IndexManager::candidates(std::span<const TermRange> ranges,
                                                 const Unindexed& unindexed,
                                                 const KvSnapshot* snapshot) const {
  if (ranges.empty())
    return fail(ErrorCode::invalid_argument, "index candidates: there is no condition");
  IndexCandidates result;
  const auto unindexed_of = [&](const TermRange& range) {
    return unindexed[index_slot(range.family)];
  };
  for (const auto& range : ranges) {
    CAVEAT_ASSIGN(const auto estimate, this->estimate(range, snapshot));
    result.steps.push_back({range, estimate, false});
  }
  const auto cost = [&](const IndexCandidates::Step& step) {
    // What was counted only in part is dearer than anything counted whole.
    return std::pair(step.estimate.floor, step.estimate.pairs + unindexed_of(step.range).size());
  };
  std::stable_sort(result.steps.begin(), result.steps.end(),
                   [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    auto& step = result.steps[i];
    const auto& known = result.partitions;
    if (i > 0 && (known.empty() || step.estimate.floor ||
                  step.estimate.pairs > kPairsPerCandidate * known.size()))
      break;
    CAVEAT_ASSIGN(auto found, lookup(step.range, snapshot));
    const auto incomplete = unindexed_of(step.range);
    if (!incomplete.empty()) found = unite_sorted(found, incomplete);
    result.partitions = i == 0 ? std::move(found) : intersect_sorted(known, found);
    step.used = true;
  }
  return result;
}

}  // namespace caveat
