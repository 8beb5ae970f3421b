// The options that make a Query, the same for query, dump and count.
#pragma once

#include <optional>
#include <string>

#include "caveat/query.h"

namespace CLI {
class App;
}

namespace caveat::cli {

struct QueryArguments {
  std::string node;
  std::string property;
  std::string property_hash;
  std::string source;
  std::string confidence;
  std::string time;
  std::string order = "key";
  bool descending = false;
  std::string limit;
  std::string resume;

  // invalid_argument, naming the option.
  [[nodiscard]] Result<Query> query() const;
};

void add_conditions(CLI::App& command, QueryArguments& arguments);
// --order, --desc, --resume
void add_ordering(CLI::App& command, QueryArguments& arguments);
void add_limit(CLI::App& command, QueryArguments& arguments);

// Decimal, or hexadecimal after 0x.
[[nodiscard]] Result<std::uint64_t> parse_unsigned(std::string_view option, std::string_view text);
[[nodiscard]] Result<ExceptionSource> parse_source(std::string_view option, std::string_view text);
// The hash of a name, or the hash itself; exactly one of the two is given.
[[nodiscard]] Result<PropertyHash> property_of(const std::string& name, const std::string& hash);

}  // namespace caveat::cli
