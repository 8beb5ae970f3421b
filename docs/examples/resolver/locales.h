// What the locale files of Unicode CLDR say: which locales there are, what each states, and where a
// value is inherited from. Nothing here knows caveat.
#pragma once

#include <caveat/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace resolver {

using LocaleId = std::uint32_t;
using PathId = std::uint32_t;

// The way to a value: numbers/currencies/currency[@type="EUR"]/displayName
struct Path {
  std::string text;
  bool stated = false;                          // by any locale; others are only fallen back to
  std::optional<PathId> fallback;               // where root's aliases, or count and alt, lead on
  std::optional<caveat::PropertyValue> itself;  // a code that stands for itself ("EUR")
};

struct Locale {
  std::string name;
  std::vector<LocaleId> chain;  // itself, its parent, and so on up to root
  std::unordered_map<PathId, caveat::PropertyValue> stated;
};

class Locales {
 public:
  // Reads main/, annotations/, supplemental/ and dtd/ of a CLDR release ("common"). Throws
  // std::runtime_error, which names the file.
  explicit Locales(const std::filesystem::path& common);

  [[nodiscard]] const std::vector<Locale>& all() const { return locales_; }
  [[nodiscard]] const std::vector<Path>& paths() const { return paths_; }
  [[nodiscard]] std::optional<LocaleId> find_locale(std::string_view name) const;
  [[nodiscard]] std::optional<PathId> find_path(std::string_view text) const;

 private:
  friend class LocaleReader;
  PathId path(const std::string& text);
  void find_parents(const std::map<std::string, std::string, std::less<>>& exceptional);
  void find_fallbacks();
  [[nodiscard]] std::optional<std::string> fallback_of(const std::string& path) const;

  std::vector<Locale> locales_;
  std::vector<Path> paths_;
  std::map<std::string, LocaleId, std::less<>> locale_ids_;
  std::unordered_map<std::string, PathId> path_ids_;
  std::unordered_map<std::string, std::string> aliases_;  // root's: a prefix of paths, and another
};

// The rule of inheritance, told once for whoever can say what a locale has of its own:
//   own(locale, path) -> std::optional<T>
// The nearest locale up the chain that has the path; else the path that this one falls back to,
// from the locale itself; in the end a code itself. `steps_up` 1 leaves the locale itself out:
// that is what it would inherit.
template <class Own>
auto resolve(const Locales& locales, LocaleId locale, PathId path, Own own,
             std::size_t steps_up = 0) -> decltype(own(locale, path)) {
  constexpr int kFallbacksMax = 8;  // aliases might lead in a circle
  const auto& chain = locales.all()[locale].chain;
  for (int fallbacks = 0; fallbacks <= kFallbacksMax; ++fallbacks) {
    for (; steps_up < chain.size(); ++steps_up)
      if (auto found = own(chain[steps_up], path)) return found;
    const Path& here = locales.paths()[path];
    if (!here.fallback) {
      if (here.itself) return *here.itself;
      break;
    }
    path = *here.fallback;
    steps_up = 0;
  }
  return {};
}

}  // namespace resolver
