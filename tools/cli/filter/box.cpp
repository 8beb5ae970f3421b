#include "tools/cli/filter/box.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace caveat::cli {
namespace {

template <class T>
Span<T> meet(const Span<T>& a, const Span<T>& b) {
  return {std::max(a.low, b.low), std::min(a.high, b.high)};
}
template <class T>
Span<T> around(const Span<T>& a, const Span<T>& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

bool one_or_all(SourceSet sources) {
  return sources == kAllSources || std::has_single_bit(sources);
}

std::uint64_t next(std::uint64_t value) {
  return value + 1;
}
std::uint64_t previous(std::uint64_t value) {
  return value - 1;
}
std::int64_t next(std::int64_t value) {
  return value + 1;
}
std::int64_t previous(std::int64_t value) {
  return value - 1;
}
float next(float value) {
  return std::nextafter(value, 2.0F);
}
float previous(float value) {
  return std::nextafter(value, -1.0F);
}

// What a test, or its opposite, leaves of a field. The opposite of a range in the middle has two
// ends, of which a box has none: it is all, and not exact.
template <class T>
struct Left {
  Span<T> span;
  bool exact = true;
  bool none = false;
};
template <class T>
Left<T> left_of(const Span<T>& span, const Span<T>& all, bool negated) {
  if (!negated) return {span, true, false};
  if (span == all) return {all, true, true};
  if (span.low == all.low) return {{next(span.high), all.high}, true, false};
  if (span.high == all.high) return {{all.low, previous(span.low)}, true, false};
  return {all, false, false};
}

class Boxes {
 public:
  explicit Boxes(std::size_t max) : max_(max) {}

  std::vector<Box> of(const Condition& condition) const {
    return std::visit([&](const auto& what) { return of(what, condition.negated); },
                      condition.what);
  }

 private:
  std::vector<Box> of(const Condition::All& all, bool /*negated*/) const {
    std::vector<Box> boxes = {Box{}};
    for (const auto& part : all.parts) {
      const auto others = of(part);
      std::vector<Box> both;
      // At most max_ squared, before they are few again.
      for (const auto& a : boxes) {
        for (const auto& b : others) {
          const auto box = intersection(a, b);
          if (!box.empty()) both.push_back(box);
        }
      }
      boxes = few(std::move(both));
    }
    return boxes;
  }

  std::vector<Box> of(const Condition::Any& any, bool /*negated*/) const {
    std::vector<Box> boxes;
    for (const auto& part : any.parts) {
      const auto more = of(part);
      boxes.insert(boxes.end(), more.begin(), more.end());
    }
    return few(std::move(boxes));
  }

  template <class T>
  std::vector<Box> span(Span<T> Box::*field, const Left<T>& left) const {
    if (left.none) return {};
    Box box;
    box.*field = left.span;
    box.exact = left.exact;
    return {box};
  }
  std::vector<Box> of(const NodeTest& test, bool negated) const {
    return span(&Box::nodes, left_of(test.nodes, kAllNumbers, negated));
  }
  std::vector<Box> of(const PropertyTest& test, bool negated) const {
    return span(&Box::properties, left_of(test.hashes, kAllNumbers, negated));
  }
  std::vector<Box> of(const ConfidenceTest& test, bool negated) const {
    return span(&Box::confidences, left_of(test.confidences, kAllConfidences, negated));
  }
  std::vector<Box> of(const TimeTest& test, bool negated) const {
    return span(&Box::times, left_of(test.times, kAllTimes, negated));
  }
  std::vector<Box> of(const SourceTest& test, bool /*negated*/) const {
    if (test.sources == 0) return {};
    Box box;
    box.sources = test.sources;
    return {box};
  }
  std::vector<Box> of(const TextTest& /*test*/, bool /*negated*/) const { return unknown(); }
  std::vector<Box> of(const ValueTest& /*test*/, bool /*negated*/) const { return unknown(); }
  static std::vector<Box> unknown() {
    Box box;
    box.exact = false;
    return {box};
  }

  [[nodiscard]] std::vector<Box> few(std::vector<Box> boxes) const {
    if (boxes.size() <= max_) return boxes;
    Box all = boxes.front();
    for (const auto& box : boxes) all = hull(all, box);
    all.exact = false;
    return {all};
  }

  std::size_t max_;
};

}  // namespace

bool Box::empty() const noexcept {
  return nodes.empty() || properties.empty() || sources == 0 || confidences.empty() ||
         times.empty();
}

Query Box::query() const {
  Query query;
  if (nodes.point()) {
    query.node = nodes.low;
  } else if (nodes != kAllNumbers) {
    query.nodes = Query::NodeRange{nodes.low, nodes.high};
  }
  if (properties.point()) query.property = properties.low;
  if (std::has_single_bit(sources)) {
    query.source = static_cast<ExceptionSource>(std::countr_zero(sources));
  }
  if (confidences != kAllConfidences) {
    query.confidence = Query::ConfidenceRange{confidences.low, confidences.high};
  }
  if (times != kAllTimes) query.time = Query::TimeRange{times.low, times.high};
  return query;
}

bool Box::is_query() const noexcept {
  return (properties.point() || properties == kAllNumbers) && one_or_all(sources);
}

Box intersection(const Box& a, const Box& b) noexcept {
  return {meet(a.nodes, b.nodes),
          meet(a.properties, b.properties),
          static_cast<SourceSet>(a.sources & b.sources),
          meet(a.confidences, b.confidences),
          meet(a.times, b.times),
          a.exact && b.exact};
}

Box hull(const Box& a, const Box& b) noexcept {
  return {around(a.nodes, b.nodes),
          around(a.properties, b.properties),
          static_cast<SourceSet>(a.sources | b.sources),
          around(a.confidences, b.confidences),
          around(a.times, b.times),
          false};
}

Box box_of(const Query& query) noexcept {
  Box box;
  if (query.node) box.nodes = {*query.node, *query.node};
  if (query.nodes) box.nodes = meet(box.nodes, {query.nodes->first, query.nodes->last});
  if (query.property) box.properties = {*query.property, *query.property};
  if (query.source) {
    box.sources = static_cast<SourceSet>(1U << static_cast<unsigned>(*query.source));
  }
  if (query.confidence) box.confidences = {query.confidence->min, query.confidence->max};
  if (query.time) box.times = {query.time->start_ns, query.time->end_ns};
  return box;
}

std::vector<Box> boxes_of(const Condition& condition, std::size_t max) {
  return Boxes(max).of(condition);
}

std::vector<Box> split_by_source(const std::vector<Box>& boxes) {
  std::vector<Box> split;
  for (const auto& box : boxes) {
    if (one_or_all(box.sources)) {
      split.push_back(box);
      continue;
    }
    for (unsigned i = 0; i < kExceptionSourceCount; ++i) {
      if ((box.sources >> i & 1U) == 0) continue;
      split.push_back(box);
      split.back().sources = static_cast<SourceSet>(1U << i);
    }
  }
  return split;
}

}  // namespace caveat::cli
