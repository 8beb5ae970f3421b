// The filter language of query, dump, count and remove. Grammar, fields and limits are in
// docs/cli.md; in short:
//
//   property = "can_fly" and confidence >= 0.8 order by created_at desc limit 10
//
// A lexer and a parser by recursive descent, both with limits, so that no text costs more than its
// length. The text of a filter comes from people, and what is wrong with it is shown in its place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "caveat/error.h"
#include "caveat/query.h"
#include "tools/cli/filter/condition.h"

namespace caveat::cli {

inline constexpr std::size_t kFilterBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kFilterDepthMax = 64;         // parentheses in parentheses
inline constexpr std::size_t kFilterConditionsMax = 4096;  // each entry of a list is one

struct Filter {
  Condition condition = {Condition::All{}, false};
  std::optional<QueryOrder> order;
  bool descending = false;
  std::optional<std::size_t> limit;

  friend bool operator==(const Filter&, const Filter&) = default;
};

// What is wrong, and the bytes of the text that are to blame.
struct FilterError {
  std::string message;
  std::size_t offset = 0;
  std::size_t length = 0;
};

[[nodiscard]] tl::expected<Filter, FilterError> parse_filter(std::string_view text);

// One spelling for each filter, which parses to the same.
[[nodiscard]] std::string to_text(const Filter& filter);
[[nodiscard]] std::string to_text(const Condition& condition);

// The column, in characters from 1.
[[nodiscard]] std::size_t column_of(const FilterError& error, std::string_view text);
// Two lines: the text, or the part of it around the error, and a caret under what is wrong.
[[nodiscard]] std::string excerpt(const FilterError& error, std::string_view text);

// Not the condition: by De Morgan down to the leaves.
[[nodiscard]] Condition negate(Condition condition);

}  // namespace caveat::cli
