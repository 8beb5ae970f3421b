// Histories: what a list of operations answers, line by line; of a std::map, and of a store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caveat/kv_backend.h"
#include "test/history/operation.h"
#include "test/history/option_sets.h"

namespace caveat::test {

using History = std::vector<std::string>;

// What the list has to answer.
[[nodiscard]] History history_of_map(const Operations& operations);

// Puts a backend with a fault around the store's own, of sets in memory. Empty: none.
using Around = std::function<std::unique_ptr<KvBackend>(std::shared_ptr<KvBackend>)>;

struct Difference {
  std::size_t at = 0;  // in the list
  std::string expected;
  std::string found;
};

// Runs the list on a store of its own until it answers something else than `expected`.
[[nodiscard]] std::optional<Difference> first_difference(const Operations& operations,
                                                         const History& expected,
                                                         const OptionSet& set,
                                                         const Around& around = {});

// The list without whatever `fails` does not need; gives up after so many seconds and returns what
// it has by then. (Delta debugging: halves, quarters, single lines; then smaller numbers.)
[[nodiscard]] Operations reduce(Operations operations,
                                const std::function<bool(const Operations&)>& fails,
                                double seconds);

// A list with the name of its option set, as a file for people.
struct Recorded {
  std::string set;
  Operations operations;
};
[[nodiscard]] std::string to_text(const Recorded& recorded);
[[nodiscard]] std::optional<Recorded> parse_recorded(std::string_view text);

}  // namespace caveat::test
