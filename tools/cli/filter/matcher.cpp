#include "tools/cli/filter/matcher.h"

#include <algorithm>
#include <compare>
#include <string_view>

namespace caveat::cli {
namespace {

bool holds(Compare compare, std::partial_ordering order) {
  switch (compare) {
    case Compare::less:
      return order < 0;
    case Compare::less_equal:
      return order <= 0;
    case Compare::greater:
      return order > 0;
    case Compare::greater_equal:
      return order >= 0;
    default:
      return order == 0;
  }
}

bool text_meets(Compare compare, std::string_view text, std::string_view operand) {
  if (compare == Compare::contains) return text.find(operand) != std::string_view::npos;
  return holds(compare, text.compare(operand) <=> 0);
}

// Integers and floats by what they are worth; a long double holds either exactly.
std::partial_ordering compare_numbers(const ValueView& a, const PropertyValue& b) {
  if (a.kind() == ValueKind::Integer && b.kind() == ValueKind::Integer) {
    return a.as_integer() <=> *b.as_integer();
  }
  const auto left = a.kind() == ValueKind::Integer ? static_cast<long double>(a.as_integer())
                                                   : static_cast<long double>(a.as_float());
  const auto right = b.kind() == ValueKind::Integer ? static_cast<long double>(*b.as_integer())
                                                    : static_cast<long double>(*b.as_float());
  return left <=> right;
}

bool is_number(ValueKind kind) {
  return kind == ValueKind::Integer || kind == ValueKind::Float;
}

bool equal(const ValueView& a, const PropertyValue& b) {
  if (is_number(a.kind()) && is_number(b.kind())) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case ValueKind::Boolean:
      return a.as_boolean() == *b.as_boolean();
    case ValueKind::String:
      return a.as_string() == *b.as_string();
    case ValueKind::List: {
      auto rest = a.payload();
      for (const auto& entry : *b.as_list()) {
        const auto element = ValueView::next_element(rest);
        if (!element || !equal(*element, entry)) return false;
      }
      return !ValueView::next_element(rest);
    }
    default:
      return true;
  }
}

bool value_meets(Compare compare, const ValueView& value, const PropertyValue& operand) {
  if (compare == Compare::equal) return equal(value, operand);
  if (compare == Compare::contains && value.kind() == ValueKind::List) {
    auto rest = value.payload();
    while (const auto element = ValueView::next_element(rest)) {
      if (equal(*element, operand)) return true;
    }
    return false;
  }
  if (value.kind() == ValueKind::String && operand.kind() == ValueKind::String) {
    return text_meets(compare, value.as_string(), *operand.as_string());
  }
  const bool numbers = is_number(value.kind()) && is_number(operand.kind());
  return numbers && compare != Compare::contains && holds(compare, compare_numbers(value, operand));
}

struct Matcher {
  const ExceptionView& record;
  const NameOf& name_of;

  bool operator()(const Condition::All& all) const {
    return std::all_of(all.parts.begin(), all.parts.end(),
                       [this](const auto& c) { return meets(c); });
  }
  bool operator()(const Condition::Any& any) const {
    return std::any_of(any.parts.begin(), any.parts.end(),
                       [this](const auto& c) { return meets(c); });
  }
  bool operator()(const NodeTest& test) const { return test.nodes.holds(record.key.node_id); }
  bool operator()(const PropertyTest& test) const {
    return test.hashes.holds(record.key.property_hash);
  }
  bool operator()(const ConfidenceTest& test) const {
    return test.confidences.holds(record.confidence);
  }
  bool operator()(const TimeTest& test) const { return test.times.holds(record.created_at); }
  bool operator()(const SourceTest& test) const {
    return (test.sources >> static_cast<unsigned>(record.source) & 1U) != 0;
  }
  bool operator()(const TextTest& test) const {
    if (test.of_reason) return text_meets(test.compare, record.reason, test.text);
    const auto& name = name_of(record.key.property_hash);
    return name && text_meets(test.compare, *name, test.text);
  }
  bool operator()(const ValueTest& test) const {
    return value_meets(test.compare, test.of_actual ? record.actual_value : record.inherited_value,
                       test.value);
  }
  [[nodiscard]] bool meets(const Condition& c) const {
    return std::visit(*this, c.what) != c.negated;
  }
};

}  // namespace

bool matches(const Condition& condition, const ExceptionView& record, const NameOf& name_of) {
  return Matcher{record, name_of}.meets(condition);
}

}  // namespace caveat::cli
