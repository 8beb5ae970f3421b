// What a filter asks of a record: a tree of conditions.
//
// Conditions of fields that have an index are kept as closed ranges of what is stored, whatever was
// written (`confidence > 0.8` begins at the next larger float), so that one comparison tests them
// and two of them intersect without a case of their own. `not` stands at the leaves only.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "caveat/types.h"

namespace caveat::cli {

// Closed; empty where low > high.
template <class T>
struct Span {
  T low;
  T high;
  [[nodiscard]] bool empty() const noexcept { return low > high; }
  [[nodiscard]] bool point() const noexcept { return low == high; }
  [[nodiscard]] bool holds(T value) const noexcept { return low <= value && value <= high; }
  friend bool operator==(const Span&, const Span&) = default;
};

inline constexpr Span<std::uint64_t> kAllNumbers = {0, std::numeric_limits<std::uint64_t>::max()};
inline constexpr Span<float> kAllConfidences = {0.0F, 1.0F};
inline constexpr Span<std::int64_t> kAllTimes = {std::numeric_limits<std::int64_t>::min(),
                                                 std::numeric_limits<std::int64_t>::max()};
using SourceSet = std::uint8_t;  // a bit for each
inline constexpr SourceSet kAllSources = (1U << kExceptionSourceCount) - 1;

struct NodeTest {
  Span<NodeId> nodes;
  friend bool operator==(const NodeTest&, const NodeTest&) = default;
};
struct PropertyTest {
  Span<PropertyHash> hashes;
  friend bool operator==(const PropertyTest&, const PropertyTest&) = default;
};
struct ConfidenceTest {
  Span<float> confidences;
  friend bool operator==(const ConfidenceTest&, const ConfidenceTest&) = default;
};
struct TimeTest {
  Span<std::int64_t> times;
  friend bool operator==(const TimeTest&, const TimeTest&) = default;
};
struct SourceTest {
  SourceSet sources = 0;
  friend bool operator==(const SourceTest&, const SourceTest&) = default;
};

// Of fields without an index. `equal` and `contains` may be negated, the others say nothing of what
// has no order with the operand: a string is neither less than 5 nor at least 5.
enum class Compare : std::uint8_t { equal, less, less_equal, greater, greater_equal, contains };

// A property's name, or a reason. A property known by its hash alone has no name, and meets none.
struct TextTest {
  bool of_reason = false;
  Compare compare = Compare::equal;
  std::string text;
  friend bool operator==(const TextTest&, const TextTest&) = default;
};
struct ValueTest {
  bool of_actual = false;
  Compare compare = Compare::equal;
  PropertyValue value;
  friend bool operator==(const ValueTest&, const ValueTest&) = default;
};

struct Condition {
  struct All {  // no parts: everything
    std::vector<Condition> parts;
    friend bool operator==(const All&, const All&) = default;
  };
  struct Any {  // no parts: nothing
    std::vector<Condition> parts;
    friend bool operator==(const Any&, const Any&) = default;
  };
  std::variant<All, Any, NodeTest, PropertyTest, ConfidenceTest, TimeTest, SourceTest, TextTest,
               ValueTest>
      what;
  bool negated = false;  // of a leaf

  friend bool operator==(const Condition&, const Condition&) = default;
};

}  // namespace caveat::cli
