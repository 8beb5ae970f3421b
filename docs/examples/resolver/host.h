// A host of caveat: a graph of locales whose nodes inherit, and a store of the exceptions.
//
// A node is what a locale says about one branch of the tree: "the euro in Polish". The graph holds
// who inherits from whom and the facts: values that do not contradict anything inherited. Where a
// node contradicts what it inherits, that is an exception, and the graph holds nothing: caveat
// does.
#pragma once

#include <caveat/caveat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "locales.h"

namespace resolver {

class Host {
 public:
  // `nodes`: the table that tools/data/cldr.py --nodes writes: node, locale, branch, parent. Pairs
  // that are not in it get numbers behind it; a host does not know where its exceptions are.
  // Throws std::runtime_error if that cannot be read. Both references must outlive the host.
  Host(const Locales& locales, const caveat::StorageOptimizer& store,
       const std::filesystem::path& nodes);

  // The value that a locale has at a path, its own or inherited; nothing where there is none.
  // Throws std::runtime_error with caveat's message if the store cannot be read.
  [[nodiscard]] std::optional<caveat::PropertyValue> effective(LocaleId locale, PathId path);

  // What the node itself has. Counted.
  [[nodiscard]] std::optional<caveat::PropertyValue> own(LocaleId locale, PathId path);

  [[nodiscard]] caveat::ExceptionKey key(LocaleId locale, PathId path) const;
  [[nodiscard]] bool has_fact(LocaleId locale, PathId path) const;

  [[nodiscard]] std::size_t facts() const { return fact_count_; }
  [[nodiscard]] std::uint64_t lookups() const { return lookups_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }

 private:
  void find_facts();
  void read_nodes(const std::filesystem::path& file);

  const Locales& locales_;
  const caveat::StorageOptimizer& store_;
  std::vector<std::unordered_map<PathId, const caveat::PropertyValue*>> facts_;  // by locale
  std::vector<caveat::PropertyHash> hashes_;                                     // by path
  std::vector<std::size_t> branches_;                                            // by path
  std::vector<caveat::NodeId> nodes_;  // by locale and branch
  std::size_t branch_count_ = 0;
  std::size_t fact_count_ = 0;
  std::uint64_t lookups_ = 0;
  std::uint64_t misses_ = 0;
};

// What the locale files say, without caveat.
[[nodiscard]] std::optional<caveat::PropertyValue> stated(const Locales& locales, LocaleId locale,
                                                          PathId path);

}  // namespace resolver
