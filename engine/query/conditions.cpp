#include "engine/query/conditions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pool/invariant.h"

namespace caveat::detail {
namespace {

constexpr NodeId kLastNode = std::numeric_limits<NodeId>::max();

}  // namespace

Result<Conditions> Conditions::of(const Query& query) {
  if (query.order > QueryOrder::time) {
    return fail(ErrorCode::invalid_argument, "query: there is no such order");
  }
  if (query.source && static_cast<std::size_t>(*query.source) >= kExceptionSourceCount) {
    return fail(ErrorCode::invalid_argument, "query: there is no such source");
  }
  Conditions out;
  out.node = query.node;
  out.property = query.property;
  out.source = query.source;
  if (query.confidence) {
    if (std::isnan(query.confidence->min) || std::isnan(query.confidence->max)) {
      return fail(ErrorCode::invalid_argument, "query: a confidence bound is NaN");
    }
    out.confidence = query.confidence;
    if (query.confidence->min > query.confidence->max) out.impossible = true;
    if (query.confidence->min > 1.0F || query.confidence->max < 0.0F) out.impossible = true;
  }
  if (query.time) {
    out.time = query.time;
    if (query.time->start_ns > query.time->end_ns) out.impossible = true;
  }
  if (query.nodes) out.add_nodes(*query.nodes);
  return out;
}

void Conditions::add_nodes(const Query::NodeRange& range) noexcept {
  if (range.first > range.last || (node && (*node < range.first || *node > range.last))) {
    impossible = true;
    return;
  }
  if (node || (range.first == 0 && range.last == kLastNode)) return;
  if (range.first == range.last) {
    node = range.first;
  } else {
    nodes = range;
  }
}

ExceptionKey Conditions::first_key() const noexcept {
  return {node ? *node : nodes ? nodes->first : 0, 0};
}

ExceptionKey Conditions::last_key() const noexcept {
  return {node ? *node : nodes ? nodes->last : kLastNode, std::numeric_limits<PropertyHash>::max()};
}

DeltaFilter Conditions::delta_filter() const {
  DeltaFilter filter;
  filter.node = node;
  filter.property = property;
  filter.source = source;
  filter.confidence = confidence;
  filter.time = time;
  if (nodes) {
    filter.from({nodes->first, 0});
    if (nodes->last != kLastNode) filter.below({nodes->last + 1, 0});
  }
  return filter;
}

ValueRange Conditions::value_range(QueryOrder order) const noexcept {
  if (impossible) return {1, 0};
  if (order == QueryOrder::confidence && confidence) {
    return {sort_value(std::max(confidence->min, 0.0F)),
            sort_value(std::min(confidence->max, 1.0F))};
  }
  if (order == QueryOrder::time && time)
    return {sort_value(time->start_ns), sort_value(time->end_ns)};
  return all_values(order);
}

void Conditions::set_value_range(QueryOrder order, ValueRange range) noexcept {
  CAVEAT_ASSERT(!range.empty());
  if (order == QueryOrder::confidence) {
    confidence = {confidence_of(range.lo), confidence_of(range.hi)};
  } else {
    time = {time_of(range.lo), time_of(range.hi)};
  }
}

}  // namespace caveat::detail
