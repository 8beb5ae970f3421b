// What every call on a query begins with: conditions checked, token read, partitions chosen.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/query/plan.h"
#include "engine/query/resume_token.h"

namespace caveat::detail {

// Positions that a pass of an order by value keeps.
inline constexpr std::size_t kGatherMax = 65536;

struct Opening {
  Conditions conditions;
  std::uint64_t fingerprint = 0;
  std::optional<SortPosition> after;
  Plan plan;

  [[nodiscard]] std::optional<ExceptionKey> after_key() const {
    return after ? std::optional(after->key) : std::nullopt;
  }
};

[[nodiscard]] Result<Opening> open_query(const QueryContext& context, const ReadView& view,
                                         const Query& query);

// Does an order by value go through the terms of its index? Not for few partitions (whose records
// are about what one pass gathers), not for those of a node, and not while the index has gaps.
[[nodiscard]] bool uses_windows(const Opening& opening, const Version& version, QueryOrder order,
                                std::size_t gather_max = kGatherMax);

}  // namespace caveat::detail
