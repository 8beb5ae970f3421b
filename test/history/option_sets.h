// The option sets under which a list has to give one history.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/options.h"
#include "test/history/operation.h"

namespace caveat::test {

struct OptionSet {
  std::string name;
  bool on_disk = false;
  Options options;
  // Done behind every so many operations, without a line of the history; 0: never.
  std::size_t forced_every = 0;
  Operation::Kind forced = Operation::Kind::flush;
};

// Extremes, each by its name.
[[nodiscard]] std::vector<OptionSet> option_sets();
// "random N" is drawn from N.
[[nodiscard]] OptionSet random_option_set(std::uint64_t seed);
[[nodiscard]] std::optional<OptionSet> option_set_named(std::string_view name);

}  // namespace caveat::test
