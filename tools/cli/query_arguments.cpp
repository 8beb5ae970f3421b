#include "tools/cli/query_arguments.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>

#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

Result<QueryOrder> parse_order(std::string_view text) {
  if (text == "key") return QueryOrder::key;
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

Result<void> set_ranges(const QueryArguments& arguments, Query& query) {
  if (!arguments.confidence.empty()) {
    CAVEAT_ASSIGN(query.confidence,
                  named("--confidence", parse_confidence_range(arguments.confidence)));
  }
  if (!arguments.time.empty()) {
    CAVEAT_ASSIGN(query.time, named("--time", parse_time_range(arguments.time)));
  }
  return {};
}

}  // namespace

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

void add_conditions(CLI::App& command, QueryArguments& arguments) {
  command.add_option("--node", arguments.node, "Of this node")->type_name("N");
  auto* name = command.add_option("--property", arguments.property, "Of the property of this name");
  name->type_name("NAME");
  command.add_option("--property-hash", arguments.property_hash, "Of the property with this hash")
      ->type_name("HASH")
      ->excludes(name);
  command
      .add_option("--source", arguments.source,
                  "From Explicit, Detected, Promoted, Conflict or Imported")
      ->type_name("SOURCE");
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

void add_ordering(CLI::App& command, QueryArguments& arguments) {
  command.add_option("--order", arguments.order, "By key (the default), confidence or time")
      ->type_name("ORDER");
  command.add_flag("--desc", arguments.descending, "From the last to the first");
  command.add_option("--resume", arguments.resume, "Go on where an earlier query stopped")
      ->type_name("TOKEN");
}

void add_limit(CLI::App& command, QueryArguments& arguments) {
  command.add_option("--limit", arguments.limit, "At most this many records")->type_name("N");
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

Result<PropertyHash> property_of(const std::string& name, const std::string& hash) {
  if (!hash.empty()) return parse_unsigned("--property-hash", hash);
  return hash_property(name);
}

}  // namespace caveat::cli
