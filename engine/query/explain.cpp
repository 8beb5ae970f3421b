#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/query/opening.h"
#include "engine/query/query_engine.h"
#include "engine/query/window.h"

namespace caveat {

std::string QueryPlan::to_string() const {
  std::string out =
      fmt::format("through {}: {} of {} partition{}, and {} recent row{}\n",
                  caveat::to_string(index), partitions_visited, partitions_total,
                  partitions_total == 1 ? "" : "s", delta_rows, delta_rows == 1 ? "" : "s");
  for (const Candidate& candidate : candidates) {
    fmt::format_to(std::back_inserter(out), "  {:<10} {:>10} {:<10}  {:<8}  {}\n",
                   caveat::to_string(candidate.index), candidate.partitions,
                   candidate.partitions == 1 ? "partition" : "partitions",
                   candidate.used ? "used" : "not used", candidate.reason);
  }
  return out;
}

namespace {

// What is said of reading all partitions, if that is the plan.
void change_scan(QueryPlan& plan, bool used, const char* why) {
  for (QueryPlan::Candidate& candidate : plan.candidates) {
    const bool all = candidate.partitions == plan.partitions_total;
    if (candidate.index != IndexKind::primary || !candidate.used || !all) continue;
    candidate.used = used;
    candidate.reason = why;
  }
}

}  // namespace

Result<QueryPlan> explain_query(const QueryContext& context, const ReadView& view,
                                const Query& query) {
  CAVEAT_ASSIGN(auto opening, detail::open_query(context, view, query));
  QueryPlan plan = std::move(opening.plan.description);
  if (query.limit == 0) {
    plan.partitions_visited = 0;
    return plan;
  }
  if (query.order == QueryOrder::key) {
    const auto after = opening.after_key();
    const detail::PositionWalk walk(opening.plan.positions, query.descending,
                                    after ? &*after : nullptr);
    plan.partitions_visited = walk.left();
    // No better guess than a result a partition; without a limit it makes no difference.
    if (query.limit < plan.partitions_visited) {
      plan.partitions_visited = query.limit;
      change_scan(plan, true, "Reads partitions in order, until there is enough.");
    }
    return plan;
  }
  const auto kind =
      query.order == QueryOrder::confidence ? IndexKind::confidence : IndexKind::temporal;
  if (detail::uses_windows(opening, *view.version, query.order)) {
    plan.index = kind;
    change_scan(plan, false, "Would read every partition, and sort what they hold.");
    plan.partitions_visited = std::min<std::uint64_t>(plan.partitions_visited, query.limit);
    plan.candidates.push_back({kind, plan.partitions_visited, true,
                               "Gives the order: its terms are read window by window."});
  } else {
    plan.candidates.push_back(
        {kind, plan.partitions_visited, false,
         "Few partitions, or no complete index: they are sorted as a whole."});
  }
  return plan;
}

}  // namespace caveat
