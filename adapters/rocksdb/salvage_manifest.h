// Which tables of a store are in use, as its MANIFEST says where it can be believed.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace caveat::detail {

struct LiveTable {
  std::string family;
  std::string smallest;
  std::string largest;
};
// By name. Nothing: the MANIFEST does not say.
using LiveTables = std::map<std::string, LiveTable>;

struct StoreFiles {
  const std::filesystem::path& directory;
  const std::filesystem::path& scratch;  // for a copy of the MANIFEST
  const std::vector<std::filesystem::path>& tables;
  const std::vector<std::filesystem::path>& manifests;
};

// Nothing where it cannot be believed; then all tables count. `notes` get a sentence on whatever is
// not as it should be.
[[nodiscard]] std::optional<LiveTables> find_live_tables(const StoreFiles& files,
                                                         std::vector<std::string>& notes);

}  // namespace caveat::detail
