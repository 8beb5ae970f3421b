// The options and the filter that say which records, the same for query, dump, count and remove.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "caveat/query.h"
#include "tools/cli/filter/selection.h"

namespace caveat::cli {

class Command;

struct QueryArguments {
  std::string node;
  std::string nodes;
  std::string property;
  std::string property_hash;
  std::string source;
  std::string confidence;
  std::string time;
  std::string order;
  bool descending = false;
  std::string limit;
  std::string resume;

  std::string filter;  // behind the store, or
  std::string where;   // by its option

  // What the options say. invalid_argument, naming the option.
  [[nodiscard]] Result<Query> query() const;
  // With the filter. invalid_argument, naming the column, which the error will show.
  [[nodiscard]] Result<Selection> selection() const;
  // Of a filter that has a selection: the error that a command has no use for its "order" or
  // "limit", in its place.
  [[nodiscard]] StorageError no_use_for(std::string_view word, std::string_view why) const;
};

void add_conditions(Command& command, QueryArguments& arguments);
// --order, --desc, --resume
void add_ordering(Command& command, QueryArguments& arguments);
void add_limit(Command& command, QueryArguments& arguments);
// What the help's example of a filter has behind the conditions.
enum class FilterTail { order_and_limit, none };
// --where
void add_where(Command& command, QueryArguments& arguments,
               FilterTail tail = FilterTail::order_and_limit);
// The same as the last argument.
void add_filter(Command& command, QueryArguments& arguments,
                FilterTail tail = FilterTail::order_and_limit);

// Decimal, or hexadecimal after 0x.
[[nodiscard]] Result<std::uint64_t> parse_unsigned(std::string_view option, std::string_view text);
[[nodiscard]] Result<ExceptionSource> parse_source(std::string_view option, std::string_view text);
[[nodiscard]] std::vector<std::string> source_names();
// The hash of a name, or the hash itself; exactly one of the two is given.
[[nodiscard]] Result<PropertyHash> property_of(const std::string& name, const std::string& hash);

}  // namespace caveat::cli
