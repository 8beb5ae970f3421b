// What the indexes can do for a condition: boxes, each a range in every indexed field, that
// together hold every record the condition means, and perhaps others. Never too few: each record
// that comes out of a box is looked at again, unless the box is exact.
#pragma once

#include <vector>

#include "caveat/query.h"
#include "tools/cli/filter/condition.h"

namespace caveat::cli {

struct Box {
  Span<NodeId> nodes = kAllNumbers;
  Span<PropertyHash> properties = kAllNumbers;
  SourceSet sources = kAllSources;
  Span<float> confidences = kAllConfidences;
  Span<std::int64_t> times = kAllTimes;
  bool exact = true;  // nothing in the box but what the condition means

  [[nodiscard]] bool empty() const noexcept;
  // The conditions a Query has words for: of properties and sources it names one.
  [[nodiscard]] Query query() const;
  // Whether the query means just what is in the box.
  [[nodiscard]] bool is_query() const noexcept;
};

[[nodiscard]] Box intersection(const Box& a, const Box& b) noexcept;
// The smallest box around both.
[[nodiscard]] Box hull(const Box& a, const Box& b) noexcept;
[[nodiscard]] Box box_of(const Query& query) noexcept;

// The boxes of a condition, at most `max` (1 or more): where there would be more, the smallest one
// around them. None: no record can meet it. They may overlap.
[[nodiscard]] std::vector<Box> boxes_of(const Condition& condition, std::size_t max);

// The same records in boxes with one source each.
[[nodiscard]] std::vector<Box> split_by_source(const std::vector<Box>& boxes);

}  // namespace caveat::cli
