// Reads the XML of CLDR.
#pragma once

#include <filesystem>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <utility>

#include "locales.h"

namespace resolver {

class LocaleReader {
 public:
  LocaleReader(const std::filesystem::path& common, Locales& into);

  // All of main/ and annotations/.
  void read_locales();
  // Parents that are not what the name says: nb inherits from no, en_GB from en_001.
  [[nodiscard]] std::map<std::string, std::string, std::less<>> exceptional_parents() const;

 private:
  void read_attribute_kinds();
  void read(pugi::xml_node element, const std::string& path, Locale& locale);
  void read_leaf(pugi::xml_node leaf, const std::string& path, Locale& locale);
  [[nodiscard]] std::string step(pugi::xml_node element) const;

  using ElementAttribute = std::pair<std::string, std::string>;
  std::filesystem::path common_;
  Locales& into_;
  std::set<ElementAttribute> values_;    // attributes that are values, not part of a path
  std::set<ElementAttribute> metadata_;  // and those that are neither
};

}  // namespace resolver
