#include "tools/cli/query_arguments.h"

#include <fmt/format.h>

#include <charconv>

#include "tools/cli/command.h"
#include "tools/cli/filter/filter.h"
#include "tools/cli/filter/lexer.h"
#include "tools/cli/report.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

Result<QueryOrder> parse_order(std::string_view text) {
  if (text.empty() || text == "key") return QueryOrder::key;
  if (text == "confidence") return QueryOrder::confidence;
  if (text == "time") return QueryOrder::time;
  return fail(ErrorCode::invalid_argument,
              fmt::format("--order: \"{}\" is not key, confidence or time", text));
}

template <class T>
Result<T> named(std::string_view option, Result<T> result) {
  if (!result) return fail(result.error().within(option));
  return result;
}

Result<Query::NodeRange> parse_node_range(std::string_view text) {
  constexpr std::string_view kOption = "--nodes";
  const auto dots = text.find("..");
  const auto first = text.substr(0, dots);
  const auto last = dots == std::string_view::npos ? text : text.substr(dots + 2);
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: \"{}\" {}", kOption, text, why));
  };
  if (dots == std::string_view::npos && !text.empty()) return bad("is one node: give --node");
  if (first.empty() && last.empty()) return bad("is no range of nodes such as 100..199");
  Query::NodeRange range;
  if (!first.empty()) {
    CAVEAT_ASSIGN(range.first, parse_unsigned(kOption, first));
  }
  if (!last.empty()) {
    CAVEAT_ASSIGN(range.last, parse_unsigned(kOption, last));
  }
  if (range.first > range.last) return bad("ends before it begins");
  return range;
}

Result<void> set_ranges(const QueryArguments& arguments, Query& query) {
  if (!arguments.nodes.empty()) {
    CAVEAT_ASSIGN(query.nodes, parse_node_range(arguments.nodes));
  }
  if (!arguments.confidence.empty()) {
    CAVEAT_ASSIGN(query.confidence,
                  named("--confidence", parse_confidence_range(arguments.confidence)));
  }
  if (!arguments.time.empty()) {
    CAVEAT_ASSIGN(query.time, named("--time", parse_time_range(arguments.time)));
  }
  return {};
}

StorageError shown_in(const std::string& text, const FilterError& error) {
  show_with_error(excerpt(error, text));
  return {ErrorCode::invalid_argument,
          fmt::format("filter, column {}: {}", column_of(error, text), error.message)};
}

Result<Filter> read_filter(const std::string& text) {
  // What an unset variable of a shell leaves must not mean everything.
  if (text.find_first_not_of(" \t\n\r") == std::string::npos) {
    return fail(ErrorCode::invalid_argument, "filter: it is blank; leave it out to mean all");
  }
  auto filter = parse_filter(text);
  if (filter) return *std::move(filter);
  return fail(shown_in(text, filter.error()));
}

tl::unexpected<StorageError> given_twice(std::string_view option, std::string_view words) {
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} and \"{}\" in the filter say the same; give one of them", option, words));
}

}  // namespace

Result<Selection> QueryArguments::selection() const {
  Selection selection;
  CAVEAT_ASSIGN(selection.query, query());
  if (!filter.empty() && !where.empty()) {
    return fail(ErrorCode::invalid_argument, "--where: the filter is given twice");
  }
  const auto& text = filter.empty() ? where : filter;
  if (text.empty()) return selection;
  CAVEAT_ASSIGN(auto parsed, read_filter(text));
  if (parsed.order) {
    if (!order.empty()) return given_twice("--order", "order by");
    if (descending) return given_twice("--desc", "order by");
    selection.query.order = *parsed.order;
    selection.query.descending = parsed.descending;
  }
  if (parsed.limit) {
    if (!limit.empty()) return given_twice("--limit", "limit");
    selection.query.limit = *parsed.limit;
  }
  selection.condition = std::move(parsed.condition);
  return selection;
}

StorageError QueryArguments::no_use_for(std::string_view word, std::string_view why) const {
  const auto& text = filter.empty() ? where : filter;
  FilterError error{std::string(why), 0, text.size()};
  if (const auto tokens = tokens_of(text)) {
    for (const auto& token : *tokens) {  // the last one: a value may be spelled alike
      if (!token.is_word(word)) continue;
      error.offset = token.offset;
      error.length = text.find_last_not_of(" \t\n\r") + 1 - token.offset;
    }
  }
  return shown_in(text, error);
}

Result<Query> QueryArguments::query() const {
  Query result;
  if (!node.empty()) {
    CAVEAT_ASSIGN(result.node, parse_unsigned("--node", node));
  }
  if (!property.empty() || !property_hash.empty()) {
    CAVEAT_ASSIGN(result.property, property_of(property, property_hash));
  }
  if (!source.empty()) {
    CAVEAT_ASSIGN(result.source, parse_source("--source", source));
  }
  CAVEAT_TRY(set_ranges(*this, result));
  CAVEAT_ASSIGN(result.order, parse_order(order));
  result.descending = descending;
  if (!limit.empty()) {
    CAVEAT_ASSIGN(result.limit, parse_unsigned("--limit", limit));
  }
  result.resume_token = resume;
  return result;
}

void add_conditions(Command& command, QueryArguments& arguments) {
  command.add_option("--node", arguments.node, "Of this node")->type_name("N");
  command
      .add_option("--nodes", arguments.nodes,
                  "Of the nodes in a closed range, as 100..199, 100.. or ..199")
      ->type_name("A..B");
  auto* name = command.add_option("--property", arguments.property, "Of the property of this name");
  name->type_name("NAME");
  command.add_option("--property-hash", arguments.property_hash, "Of the property with this hash")
      ->type_name("HASH")
      ->excludes(name);
  command
      .add_option("--source", arguments.source,
                  "From Explicit, Detected, Promoted, Conflict or Imported")
      ->type_name("SOURCE")
      ->suggestions(source_names());
  command
      .add_option("--confidence", arguments.confidence,
                  "Confidence in a closed range, as 0.5..0.7, 0.5.., ..0.7 or 0.7")
      ->type_name("A..B");
  command
      .add_option("--time", arguments.time,
                  "Created in a closed range of dates or RFC 3339 times, as "
                  "2022-01-01..2022-02-01, A.. or ..B; a date is the whole day")
      ->type_name("A..B");
}

void add_ordering(Command& command, QueryArguments& arguments) {
  command.add_option("--order", arguments.order, "By key (the default), confidence or time")
      ->type_name("ORDER")
      ->suggestions({"key", "confidence", "time"});
  command.add_flag("--desc", arguments.descending, "From the last to the first");
  command.add_option("--resume", arguments.resume, "Go on where an earlier query stopped")
      ->type_name("TOKEN");
}

void add_limit(Command& command, QueryArguments& arguments) {
  command.add_option("--limit", arguments.limit, "At most this many records")->type_name("N");
}

namespace {
std::string filter_help(FilterTail tail) {
  return fmt::format("Conditions as text, such as 'property = \"can_fly\" and confidence >= 0.8{}'",
                     tail == FilterTail::none ? "" : " order by created_at desc limit 10");
}
}  // namespace

void add_where(Command& command, QueryArguments& arguments, FilterTail tail) {
  command.add_option("--where", arguments.where, filter_help(tail))->type_name("FILTER");
}

void add_filter(Command& command, QueryArguments& arguments, FilterTail tail) {
  command.add_option("FILTER", arguments.filter, filter_help(tail) + "; options hold beside it");
  command.add_option("--where", arguments.where, "FILTER by a name")->type_name("FILTER");
}

Result<std::uint64_t> parse_unsigned(std::string_view option, std::string_view text) {
  auto digits = text;
  const bool hexadecimal = digits.substr(0, 2) == "0x";
  if (hexadecimal) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (error == std::errc() && end == digits.data() + digits.size()) return value;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: \"{}\" is no unsigned integer below 2^64", option, text));
}

Result<ExceptionSource> parse_source(std::string_view option, std::string_view text) {
  const auto source = source_from_string(text);
  if (source) return *source;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: \"{}\" is not Explicit, Detected, Promoted, Conflict or Imported",
                          option, text));
}

std::vector<std::string> source_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kExceptionSourceCount; ++i) {
    names.emplace_back(to_string(static_cast<ExceptionSource>(i)));
  }
  return names;
}

Result<PropertyHash> property_of(const std::string& name, const std::string& hash) {
  if (!hash.empty()) return parse_unsigned("--property-hash", hash);
  return hash_property(name);
}

}  // namespace caveat::cli
