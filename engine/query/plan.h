// Which partitions a query has to look at, and why.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "engine/query/conditions.h"
#include "engine/query/position_walk.h"
#include "engine/query/query_engine.h"

namespace caveat::detail {

struct Plan {
  PositionSet positions;  // a list where an index gave them
  // The one index that gave them, if no other condition took part: then a partition without a
  // match is a stale hint.
  std::optional<std::size_t> sole_index;
  std::uint64_t gone = 0;  // ids that are no partition of the version any more
  QueryPlan description;
};

// Reads indexes, not partitions.
[[nodiscard]] Result<Plan> make_plan(const QueryContext& context, const ReadView& view,
                                     const Conditions& conditions);

// Ids to places; those that are gone are left out and counted.
[[nodiscard]] PositionSet positions_of(const QueryContext& context, const Version& version,
                                       const std::vector<PartitionId>& ids, std::uint64_t& gone);

// From here on (in percent of all partitions) reading everything in order is cheaper than
// following an index.
inline constexpr std::uint64_t kScanPercent = 60;

}  // namespace caveat::detail
