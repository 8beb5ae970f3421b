#include "tools/cli/filter/operands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "tools/cli/query_arguments.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

template <class T>
using Read = tl::expected<T, FilterError>;

tl::unexpected<FilterError> wrong(std::string message, const Token& token) {
  return tl::make_unexpected(FilterError{std::move(message), token.offset, token.length});
}

std::uint64_t before(std::uint64_t value) {
  return value - 1;
}
std::uint64_t behind(std::uint64_t value) {
  return value + 1;
}
float before(float value) {
  return std::nextafter(value, -1.0F);
}
float behind(float value) {
  return std::nextafter(value, 2.0F);
}

template <class Test, class T>
Condition leaf(Span<T> span, Span<T> all) {
  if (span.empty()) return {Test{all}, true};  // nothing: not everything
  return {Test{span}, false};
}

// `written`: all that the operand stands for, which of a date is the whole day.
template <class Test, class T>
Condition ordered(Operator how, Span<T> written, Span<T> all) {
  switch (how) {
    case Operator::less:
      return written.low == all.low ? Condition{Test{all}, true}
                                    : leaf<Test>(Span<T>{all.low, before(written.low)}, all);
    case Operator::less_equal:
      return leaf<Test>(Span<T>{all.low, written.high}, all);
    case Operator::greater:
      return written.high == all.high ? Condition{Test{all}, true}
                                      : leaf<Test>(Span<T>{behind(written.high), all.high}, all);
    case Operator::greater_equal:
      return leaf<Test>(Span<T>{written.low, all.high}, all);
    case Operator::not_equal:
      return negate(leaf<Test>(written, all));
    default:
      return leaf<Test>(written, all);
  }
}

Read<Span<std::uint64_t>> number(std::string_view field, const Operand& operand) {
  if (operand.list || operand.token.kind != Token::Kind::literal) {
    return wrong(fmt::format("{} is compared with a number", field), operand.token);
  }
  const auto value = parse_unsigned(field, operand.token.text);
  if (!value) return wrong(value.error().message(), operand.token);
  return Span<std::uint64_t>{*value, *value};
}

Read<Span<float>> confidence(const Operand& operand) {
  const auto& token = operand.token;
  if (operand.list || token.kind != Token::Kind::literal) {
    return wrong("confidence is compared with a number from 0 to 1", token);
  }
  const auto value = parse_confidence(token.text);
  if (!value) {
    return wrong(fmt::format("confidence: \"{}\" is no number from 0 to 1", token.text), token);
  }
  return Span<float>{*value, *value};
}

Read<Span<WideTime>> time(const Operand& operand) {
  const auto& token = operand.token;
  const bool text = token.kind == Token::Kind::literal || token.kind == Token::Kind::string;
  if (operand.list || !text || token.text.find("..") != std::string::npos) {
    return wrong("created_at is compared with a date or an RFC 3339 time", token);
  }
  const auto span = parse_time_span(token.text);
  if (!span) return wrong("created_at: " + span.error().message(), token);
  return Span<WideTime>{span->first, span->last};
}

// What is left of a span in which some times may lie where no record's can.
Condition of_times(WideTime low, WideTime high) {
  low = std::max<WideTime>(low, kAllTimes.low);
  high = std::min<WideTime>(high, kAllTimes.high);
  if (low > high) return {TimeTest{kAllTimes}, true};
  return {TimeTest{{static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)}}, false};
}

Condition ordered_time(Operator how, const Span<WideTime>& written) {
  switch (how) {
    case Operator::less:
      return of_times(kAllTimes.low, written.low - 1);
    case Operator::less_equal:
      return of_times(kAllTimes.low, written.high);
    case Operator::greater:
      return of_times(written.high + 1, kAllTimes.high);
    case Operator::greater_equal:
      return of_times(written.low, kAllTimes.high);
    case Operator::not_equal:
      return negate(of_times(written.low, written.high));
    default:
      return of_times(written.low, written.high);
  }
}

Made source(Operator how, const Token& name, const Operand& operand) {
  if (how != Operator::equal && how != Operator::not_equal) {
    return wrong("source has no order; it is compared by =, != and in", name);
  }
  const bool text =
      operand.token.kind == Token::Kind::word || operand.token.kind == Token::Kind::string;
  if (operand.list || !text) {
    return wrong("source is one of Explicit, Detected, Promoted, Conflict and Imported",
                 operand.token);
  }
  const auto found = parse_source("source", operand.token.text);
  if (!found) return wrong(found.error().message(), operand.token);
  auto set = static_cast<SourceSet>(1U << static_cast<unsigned>(*found));
  if (how == Operator::not_equal) set = static_cast<SourceSet>(kAllSources & ~unsigned{set});
  return Condition{SourceTest{set}, false};
}

Compare compare_of(Operator how) {
  switch (how) {
    case Operator::less:
      return Compare::less;
    case Operator::less_equal:
      return Compare::less_equal;
    case Operator::greater:
      return Compare::greater;
    case Operator::greater_equal:
      return Compare::greater_equal;
    case Operator::contains:
      return Compare::contains;
    default:
      return Compare::equal;
  }
}

Made text(Field field, Operator how, const Operand& operand) {
  const bool of_reason = field == Field::reason;
  if (operand.list || operand.token.kind != Token::Kind::string) {
    return wrong(
        fmt::format("{} is compared with a string, in quotes", of_reason ? "reason" : "property"),
        operand.token);
  }
  const bool negated = how == Operator::not_equal;
  if (!of_reason && (how == Operator::equal || negated)) {
    const auto hash = hash_property(operand.token.text);
    return Condition{PropertyTest{{hash, hash}}, negated};
  }
  return Condition{TextTest{of_reason, compare_of(how), operand.token.text}, negated};
}

Made value(Field field, Operator how, const Operand& operand) {
  ValueTest test{field == Field::actual, compare_of(how), {}};
  if (operand.list) {
    test.value = *operand.list;
  } else {
    auto read = value_of(operand.token);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    test.value = std::move(*read);
  }
  const auto kind = test.value.kind();
  const bool has_order =
      kind == ValueKind::Integer || kind == ValueKind::Float || kind == ValueKind::String;
  const bool by_order = test.compare != Compare::equal && test.compare != Compare::contains;
  if (by_order && !has_order) {
    return wrong("only numbers and strings have an order", operand.token);
  }
  return Condition{std::move(test), how == Operator::not_equal};
}

// The parts of a span, for `between`.
template <class Test, class T>
Made from_to(const Read<Span<T>>& low, const Read<Span<T>>& high, Span<T> all) {
  if (!low) return tl::make_unexpected(low.error());
  if (!high) return tl::make_unexpected(high.error());
  return leaf<Test>(Span<T>{low->low, high->high}, all);
}

}  // namespace

const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names = {
      "node",       "property",  "property_hash", "source", "confidence",
      "created_at", "inherited", "actual",        "reason", "time"};
  return names;
}

std::optional<Field> field_of(const Token& token) {
  const auto& names = field_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!token.is_word(names[i])) continue;
    return names[i] == "time" ? Field::created_at : static_cast<Field>(i);
  }
  return std::nullopt;
}

tl::expected<PropertyValue, FilterError> value_of(const Token& token) {
  if (token.kind == Token::Kind::string) return PropertyValue(token.text);
  if (token.is_word("true")) return PropertyValue(true);
  if (token.is_word("false")) return PropertyValue(false);
  if (token.is_word("null")) return PropertyValue();
  if (token.kind != Token::Kind::literal) {
    return wrong("a value is needed: a number, a string in quotes, true, false, null or [a list]",
                 token);
  }
  const char* const begin = token.text.data();
  const char* const end = begin + token.text.size();
  std::int64_t integer = 0;
  const auto whole = std::from_chars(begin, end, integer);
  if (whole.ec == std::errc() && whole.ptr == end) return PropertyValue(integer);
  double number = 0;
  const auto real = std::from_chars(begin, end, number);
  const bool written_whole = token.text.find_first_of(".eE") == std::string::npos;
  if (real.ec == std::errc() && real.ptr == end && !written_whole) return PropertyValue(number);
  return wrong(fmt::format("\"{}\" is no number of 64 bits", token.text), token);
}

Made comparison(Field field, const Token& name, Operator how, const Operand& operand) {
  const bool has_parts = field == Field::property || field == Field::reason ||
                         field == Field::inherited || field == Field::actual;
  if (how == Operator::contains && !has_parts) {
    return wrong(fmt::format("{} has no parts; contains is for property, reason, inherited and "
                             "actual",
                             name.text),
                 name);
  }
  switch (field) {
    case Field::node: {
      const auto read = number("node", operand);
      if (!read) return tl::make_unexpected(read.error());
      return ordered<NodeTest>(how, *read, kAllNumbers);
    }
    case Field::property_hash: {
      const auto read = number("property_hash", operand);
      if (!read) return tl::make_unexpected(read.error());
      return ordered<PropertyTest>(how, *read, kAllNumbers);
    }
    case Field::confidence: {
      const auto read = confidence(operand);
      if (!read) return tl::make_unexpected(read.error());
      return ordered<ConfidenceTest>(how, *read, kAllConfidences);
    }
    case Field::created_at: {
      const auto read = time(operand);
      if (!read) return tl::make_unexpected(read.error());
      return ordered_time(how, *read);
    }
    case Field::source:
      return source(how, name, operand);
    case Field::property:
    case Field::reason:
      return text(field, how, operand);
    case Field::inherited:
    case Field::actual:
      return value(field, how, operand);
  }
  return wrong("no such field", name);
}

Made between(Field field, const Token& name, const Operand& low, const Operand& high) {
  switch (field) {
    case Field::node:
      return from_to<NodeTest>(number("node", low), number("node", high), kAllNumbers);
    case Field::property_hash:
      return from_to<PropertyTest>(number("property_hash", low), number("property_hash", high),
                                   kAllNumbers);
    case Field::confidence:
      return from_to<ConfidenceTest>(confidence(low), confidence(high), kAllConfidences);
    case Field::created_at: {
      const auto from = time(low);
      if (!from) return tl::make_unexpected(from.error());
      const auto to = time(high);
      if (!to) return tl::make_unexpected(to.error());
      return of_times(from->low, to->high);
    }
    default:
      break;
  }
  auto from = comparison(field, name, Operator::greater_equal, low);
  if (!from) return from;
  auto to = comparison(field, name, Operator::less_equal, high);
  if (!to) return to;
  return Condition{Condition::All{{std::move(*from), std::move(*to)}}, false};
}

}  // namespace caveat::cli
