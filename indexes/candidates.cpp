// Which partitions can hold records that meet several conditions.
#include <algorithm>
#include <iterator>

#include "caveat/index_manager.h"
#include "indexes/posting_reader.h"

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
    at = std::lower_bound(at, at + std::min<std::ptrdiff_t>(step, b.end() - at), id);
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
                                                 const KvSnapshot* snapshot,
                                                 std::span<const std::uint64_t> most) const {
  if (ranges.empty())
    return fail(ErrorCode::invalid_argument, "index candidates: there is no condition");
  struct Condition {
    IndexCandidates::Step step;
    std::optional<std::vector<PartitionId>> ids;
    std::span<const PartitionId> unindexed;
  };
  std::vector<Condition> conditions;
  bool any_worth = most.empty();
  for (const auto& range : ranges) {
    Condition condition{
        {range, {0, 0, true, false}, false, {}}, {}, unindexed[index_slot(range.family)]};
    if (range.lo <= range.hi) {
      const auto& reader = *readers_[index_slot(range.family)];
      auto probe = reader.probe(range.lo, range.hi, snapshot);
      if (probe) {
        condition.step.estimate = probe->estimate;
        condition.ids = std::move(probe->ids);
      } else if (probe.error().code() == ErrorCode::corruption) {
        condition.step.damage = probe.error();
      } else {
        return fail(probe.error());
      }
    }
    if (!most.empty()) {
      any_worth = any_worth || (!condition.step.damage &&
                                condition.step.estimate.pairs <= most[conditions.size()]);
    }
    conditions.push_back(std::move(condition));
  }
  IndexCandidates result;
  if (!any_worth) {
    for (const auto& condition : conditions) result.steps.push_back(condition.step);
    return result;
  }
  const auto cost = [](const Condition& condition) {
    // What was counted only in part is dearer than anything counted whole.
    const auto& estimate = condition.step.estimate;
    return std::pair(estimate.floor, estimate.pairs + condition.unindexed.size());
  };
  std::stable_sort(conditions.begin(), conditions.end(),
                   [&](const auto& a, const auto& b) { return cost(a) < cost(b); });

  bool first = true;
  for (auto& [step, ids, incomplete] : conditions) {
    const bool worth = first || ids ||
                       (!step.estimate.floor &&
                        step.estimate.pairs <= kPairsPerCandidate * result.partitions.size());
    if (worth && !ids && !step.damage) {
      auto found = lookup(step.range, snapshot);
      if (found) {
        ids = std::move(*found);
      } else if (found.error().code() == ErrorCode::corruption) {
        step.damage = found.error();
      } else {
        return fail(found.error());
      }
    }
    if (worth && !step.damage) {
      if (!incomplete.empty()) ids = unite_sorted(*ids, incomplete);
      result.partitions = first ? std::move(*ids) : intersect_sorted(result.partitions, *ids);
      step.used = true;
      first = false;
    }
    result.steps.push_back(step);
  }
  return result;
}

}  // namespace caveat
