#include <fmt/format.h>

#include <utility>

#include "tools/cli/filter/operands.h"
#include "tools/cli/nearest.h"
#include "tools/cli/query_arguments.h"

namespace caveat::cli {
namespace {

// One level of a parser that goes down as its text does.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  tl::expected<Filter, FilterError> run() {
    Filter filter;
    if (!at_end() && !here().is_word("order") && !here().is_word("limit")) {
      auto condition = any();
      if (!condition) return tl::make_unexpected(std::move(condition.error()));
      filter.condition = std::move(*condition);
    }
    if (auto tail = order(filter); !tail) return tl::make_unexpected(std::move(tail.error()));
    if (auto tail = limit(filter); !tail) return tl::make_unexpected(std::move(tail.error()));
    if (!at_end()) {
      return wrong(filter.order || filter.limit
                       ? "the filter ends here; \"order by\" comes before \"limit\", each once"
                       : "\"and\", \"or\", \"order by\", \"limit\" or the end is needed here");
    }
    return filter;
  }

 private:
  using Done = tl::expected<void, FilterError>;

  [[nodiscard]] const Token& here() const { return tokens_[at_]; }
  [[nodiscard]] bool at_end() const { return here().kind == Token::Kind::end; }
  [[nodiscard]] tl::unexpected<FilterError> wrong(std::string message) const {
    return wrong(std::move(message), here());
  }
  [[nodiscard]] static tl::unexpected<FilterError> wrong(std::string message, const Token& token) {
    return tl::make_unexpected(FilterError{std::move(message), token.offset, token.length});
  }
  bool take_word(std::string_view word) {
    const bool found = here().is_word(word);
    if (found) ++at_;
    return found;
  }
  bool take_symbol(std::string_view symbol) {
    const bool found = here().is(symbol);
    if (found) ++at_;
    return found;
  }

  // Parts that are joined by a word, the same kind inside taken out of its parentheses.
  template <class Group>
  Made joined(std::string_view word, Made (Parser::*part)()) {
    Group group;
    do {
      auto next = (this->*part)();
      if (!next) return next;
      if (auto* inner = std::get_if<Group>(&next->what); inner != nullptr) {
        for (auto& each : inner->parts) group.parts.push_back(std::move(each));
      } else {
        group.parts.push_back(std::move(*next));
      }
    } while (take_word(word));
    if (group.parts.size() == 1) return std::move(group.parts[0]);
    return Condition{std::move(group), false};
  }
  Made any() { return joined<Condition::Any>("or", &Parser::all); }
  Made all() { return joined<Condition::All>("and", &Parser::one); }

  Made one() {
    bool negative = false;
    while (take_word("not")) negative = !negative;
    return maybe_not(here().is("(") ? parenthesis() : test(), negative);
  }

  Made parenthesis() {
    const auto open = here();
    ++at_;
    if (++depth_ > kFilterDepthMax) {
      return wrong(fmt::format("nested deeper than {}", kFilterDepthMax), open);
    }
    auto inner = any();
    if (!inner) return inner;
    --depth_;
    if (!take_symbol(")")) {
      if (at_end()) return wrong("this parenthesis is not closed", open);
      return wrong("\"and\", \"or\" or \")\" is needed here");
    }
    return inner;
  }

  Made test() {
    const Token name = here();
    const auto field = field_of(name);
    if (!field) return no_field(name);
    ++at_;
    const bool negative = take_word("not");
    if (take_word("in")) return maybe_not(in(*field, name), negative);
    if (take_word("between")) return maybe_not(from_to(*field, name), negative);
    const auto how = operator_here();
    if (!how || (negative && *how != Operator::contains)) {
      return wrong(negative ? "in, between or contains is needed after not"
                            : fmt::format("=, !=, <, <=, >, >=, in, between or contains is needed "
                                          "after {}",
                                          name.text));
    }
    ++at_;
    auto operand = this->operand();
    if (!operand) return tl::make_unexpected(std::move(operand.error()));
    if (auto counted = count(name); !counted) return tl::make_unexpected(counted.error());
    return maybe_not(comparison(*field, name, *how, *operand), negative);
  }

  static Made maybe_not(Made made, bool negative) {
    if (!made || !negative) return made;
    return negate(std::move(*made));
  }

  [[nodiscard]] Made no_field(const Token& name) const {
    if (name.kind == Token::Kind::end) return wrong("a condition is needed here", name);
    if (name.kind != Token::Kind::word) {
      return wrong("a condition begins with a field, such as node or property", name);
    }
    const auto meant = nearest(name.text, field_names());
    if (!meant.empty()) {
      return wrong(fmt::format("\"{}\" is no field; did you mean {}?", name.text, meant), name);
    }
    return wrong(fmt::format("\"{}\" is no field; the fields are node, property, property_hash, "
                             "source, confidence, created_at, inherited, actual and reason",
                             name.text),
                 name);
  }

  [[nodiscard]] std::optional<Operator> operator_here() const {
    const auto& token = here();
    if (token.is("=")) return Operator::equal;
    if (token.is("!=")) return Operator::not_equal;
    if (token.is("<")) return Operator::less;
    if (token.is("<=")) return Operator::less_equal;
    if (token.is(">")) return Operator::greater;
    if (token.is(">=")) return Operator::greater_equal;
    if (token.is_word("contains")) return Operator::contains;
    return std::nullopt;
  }

  Done count(const Token& token) {
    if (++conditions_ <= kFilterConditionsMax) return {};
    return wrong(fmt::format("more than {} conditions", kFilterConditionsMax), token);
  }

  tl::expected<Operand, FilterError> operand() {
    if (at_end()) return wrong("a value is needed here");
    if (!here().is("[")) {
      if (here().kind == Token::Kind::symbol) return wrong("a value is needed here");
      return Operand{tokens_[at_++], std::nullopt};
    }
    const Token open = here();
    auto read = list();
    if (!read) return tl::make_unexpected(std::move(read.error()));
    Token whole = open;
    whole.length = tokens_[at_ - 1].offset + 1 - open.offset;
    return Operand{std::move(whole), std::move(*read)};
  }

  tl::expected<PropertyValue, FilterError> list() {
    const Token open = here();
    ++at_;
    if (++list_depth_ > kMaxValueDepth) {
      return wrong(fmt::format("lists nested deeper than {}", kMaxValueDepth), open);
    }
    PropertyValue::List entries;
    while (!take_symbol("]")) {
      if (!entries.empty() && !take_symbol(",")) {
        return at_end() ? wrong("this list is not closed", open)
                        : wrong("\",\" or \"]\" is needed here");
      }
      const bool inner = here().is("[");
      auto entry = inner ? list() : value_of(here());
      if (!entry) return entry;
      if (!inner) ++at_;  // a list has taken its own tokens
      entries.push_back(std::move(*entry));
    }
    --list_depth_;
    return PropertyValue(std::move(entries));
  }
  Made in(Field field, const Token& name) {
    if (!take_symbol("(")) return wrong("\"(\" is needed after in");
    Condition::Any any;
    SourceSet sources = 0;
    do {
      auto entry = operand();
      if (!entry) return tl::make_unexpected(std::move(entry.error()));
      if (auto counted = count(entry->token); !counted) return tl::make_unexpected(counted.error());
      auto made = comparison(field, name, Operator::equal, *entry);
      if (!made) return made;
      if (const auto* source = std::get_if<SourceTest>(&made->what); source != nullptr) {
        sources |= source->sources;
      } else {
        any.parts.push_back(std::move(*made));
      }
    } while (take_symbol(","));
    if (!take_symbol(")")) return wrong("\",\" or \")\" is needed here");
    if (sources != 0) return Condition{SourceTest{sources}, false};
    if (any.parts.size() == 1) return std::move(any.parts[0]);
    return Condition{std::move(any), false};
  }

  Made from_to(Field field, const Token& name) {
    if (auto counted = count(name); !counted) return tl::make_unexpected(counted.error());
    const auto low = operand();
    if (!low) return tl::make_unexpected(low.error());
    if (!take_word("and")) return wrong("\"and\" and the upper end are needed here");
    const auto high = operand();
    if (!high) return tl::make_unexpected(high.error());
    return between(field, name, *low, *high);
  }

  Done order(Filter& filter) {
    if (!take_word("order")) return {};
    if (!take_word("by")) return wrong("\"by\" is needed after order");
    if (take_word("key") || take_word("node")) {
      filter.order = QueryOrder::key;
    } else if (take_word("confidence")) {
      filter.order = QueryOrder::confidence;
    } else if (take_word("created_at") || take_word("time")) {
      filter.order = QueryOrder::time;
    } else {
      return wrong("results are ordered by key, confidence or created_at");
    }
    if (take_word("desc")) {
      filter.descending = true;
    } else {
      take_word("asc");
    }
    return {};
  }

  Done limit(Filter& filter) {
    if (!take_word("limit")) return {};
    if (here().kind != Token::Kind::literal) return wrong("a number is needed after limit");
    const auto number = parse_unsigned("limit", here().text);
    if (!number) return wrong(number.error().message());
    filter.limit = *number;
    ++at_;
    return {};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t list_depth_ = 0;
  std::size_t conditions_ = 0;
};

}  // namespace

tl::expected<Filter, FilterError> parse_filter(std::string_view text) {
  auto tokens = tokens_of(text);
  if (!tokens) return tl::make_unexpected(std::move(tokens.error()));
  return Parser(std::move(*tokens)).run();
}

Condition negate(Condition condition) {
  if (auto* all = std::get_if<Condition::All>(&condition.what); all != nullptr) {
    Condition::Any any;
    for (auto& part : all->parts) any.parts.push_back(negate(std::move(part)));
    return {std::move(any), false};
  }
  if (auto* any = std::get_if<Condition::Any>(&condition.what); any != nullptr) {
    Condition::All all;
    for (auto& part : any->parts) all.parts.push_back(negate(std::move(part)));
    return {std::move(all), false};
  }
  if (auto* source = std::get_if<SourceTest>(&condition.what); source != nullptr) {
    source->sources = static_cast<SourceSet>(kAllSources & ~unsigned{source->sources});
    return condition;
  }
  condition.negated = !condition.negated;
  return condition;
}

}  // namespace caveat::cli
