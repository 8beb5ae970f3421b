#include "tools/cli/filter/selection.h"

#include <algorithm>

#include "tools/cli/filter/record_stream.h"

namespace caveat::cli {
namespace {

// Queries that are read side by side, each with some partitions in memory. Those of one node each
// are short, and in the order of keys one is read after the other.
constexpr std::size_t kBranchesMax = 16;
constexpr std::size_t kNodesMax = 64;
constexpr std::size_t kNodesInOrderMax = 1024;

bool all_nodes(const std::vector<Box>& boxes) {
  return std::all_of(boxes.begin(), boxes.end(), [](const Box& b) { return b.nodes.point(); });
}

std::size_t branches_max(const std::vector<Box>& boxes, QueryOrder order) {
  if (!all_nodes(boxes)) return kBranchesMax;
  return order == QueryOrder::key ? kNodesInOrderMax : kNodesMax;
}

Branch branch_of(const Box& box, const Query& asked) {
  Branch branch{box.query(), box.nodes};
  branch.query.order = asked.order;
  branch.query.descending = asked.descending;
  return branch;
}

bool are_disjoint(const std::vector<Box>& boxes) {
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    for (std::size_t j = i + 1; j < boxes.size(); ++j) {
      if (!intersection(boxes[i], boxes[j]).empty()) return false;
    }
  }
  return true;
}

SelectionPlan plan_with(const std::vector<Box>& boxes, const Query& asked) {
  SelectionPlan plan;
  for (const auto& box : boxes) {
    plan.branches.push_back(branch_of(box, asked));
    plan.recheck = plan.recheck || !box.exact || !box.is_query();
  }
  plan.disjoint = boxes.size() <= kBranchesMax && are_disjoint(boxes);
  return plan;
}

bool is_range_in_order(const Box& box, QueryOrder order) {
  return order == QueryOrder::key && !box.nodes.point() && box.nodes != kAllNumbers;
}

// The boxes that are worth a query each; empty: one for all of them is as good.
std::vector<Box> apart(const std::vector<Box>& boxes, QueryOrder order) {
  if (boxes.size() == 1 && is_range_in_order(boxes[0], order)) return {};
  for (auto candidates : {split_by_source(boxes), boxes}) {
    if (candidates.size() > 1 && candidates.size() <= branches_max(candidates, order)) {
      return candidates;
    }
  }
  return {};
}

}  // namespace

Result<SelectionPlan> plan_of(const Selection& selection, const CostOf& cost_of) {
  const auto& asked = selection.query;
  const auto of_options = box_of(asked);
  std::vector<Box> boxes;
  for (const auto& box : boxes_of(selection.condition, kNodesInOrderMax)) {
    const auto both = intersection(box, of_options);
    if (!both.empty()) boxes.push_back(both);
  }
  if (boxes.empty()) return SelectionPlan{};
  auto all = boxes.front();
  for (std::size_t i = 1; i < boxes.size(); ++i) all = hull(all, boxes[i]);
  const auto whole = plan_with({all}, asked);
  const auto parts = apart(boxes, asked.order);
  if (parts.empty()) return whole;

  CAVEAT_ASSIGN(const auto of_whole, cost_of(whole.branches[0]));
  auto several = plan_with(parts, asked);
  std::uint64_t of_parts = 0;
  for (const auto& branch : several.branches) {
    CAVEAT_ASSIGN(const auto cost, cost_of(branch));
    of_parts += cost;
    if (of_parts >= of_whole) return whole;
  }
  return several;
}

Result<SelectionPlan> plan_of(const Selection& selection, const StorageOptimizer& store,
                              const Snapshot& snapshot) {
  return plan_of(selection, [&](const Branch& branch) -> Result<std::uint64_t> {
    CAVEAT_ASSIGN(const auto plan, store.explain(branch.query, &snapshot));
    return plan.partitions_visited;
  });
}

Result<std::uint64_t> count_of(const StorageOptimizer& store, const Selection& selection,
                               const std::function<bool()>& stop) {
  if (!selection.filtered()) return store.count(selection.query);
  const auto snapshot = store.snapshot();
  CAVEAT_ASSIGN(const auto plan, plan_of(selection, store, snapshot));
  std::uint64_t records = 0;
  if (!plan.recheck && plan.disjoint) {
    for (const auto& branch : plan.branches) {
      CAVEAT_ASSIGN(const auto matches, store.count(branch.query, &snapshot));
      records += matches;
    }
    return std::min<std::uint64_t>(records, selection.query.limit);
  }
  CAVEAT_ASSIGN(auto stream, RecordStream::open(store, selection, snapshot, plan));
  for (;;) {
    CAVEAT_ASSIGN(const auto* record, stream.next());
    if (record == nullptr) return records;
    ++records;
    if (stop()) return fail(ErrorCode::cancelled, "stopped");
  }
}

}  // namespace caveat::cli
