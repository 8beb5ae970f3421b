#include "locales.h"

#include <regex>

#include "locale_reader.h"

namespace resolver {
namespace {

constexpr std::string_view kRoot = "root";

// count="few" falls back to count="other", that to no count; alt="short" to no alt.
std::optional<std::string> plainer(const std::string& path) {
  static const std::regex count(R"re(\[@count="([^"]+)"\])re"), alt(R"re(\[@alt="[^"]+"\])re");
  std::smatch found;
  if (std::regex_search(path, found, count))
    return found.prefix().str() + (found[1] == "other" ? "" : "[@count=\"other\"]") +
           found.suffix().str();
  if (std::regex_search(path, found, alt)) return found.prefix().str() + found.suffix().str();
  return {};
}

// A language, a territory, a currency that nobody has a name for is called by its code.
std::optional<caveat::PropertyValue> code(const std::string& path) {
  static const std::regex display_name(
      R"re(localeDisplayNames/(?:languages/language|scripts/script|territories/territory|)re"
      R"re(variants/variant|keys/key|types/type\[@key="[^"]+"\])\[@type="([^"]+)"\])re");
  static const std::regex currency(
      R"re(numbers/currencies/currency\[@type="([^"]+)"\]/(?:displayName|symbol))re");
  std::smatch found;
  if (std::regex_match(path, found, display_name) || std::regex_match(path, found, currency))
    return found[1].str();
  return {};
}

}  // namespace

Locales::Locales(const std::filesystem::path& common) {
  LocaleReader reader(common, *this);
  reader.read_locales();
  find_parents(reader.exceptional_parents());
  find_fallbacks();
}

std::optional<LocaleId> Locales::find_locale(std::string_view name) const {
  const auto at = locale_ids_.find(name);
  return at == locale_ids_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<PathId> Locales::find_path(std::string_view text) const {
  const auto at = path_ids_.find(std::string(text));
  return at == path_ids_.end() ? std::nullopt : std::optional(at->second);
}

PathId Locales::path(const std::string& text) {
  const auto [at, added] = path_ids_.try_emplace(text, paths_.size());
  if (added) paths_.push_back({text, false, {}, {}});
  return at->second;
}

// de_Latn_AT inherits from de_Latn, that from de, that from root, unless the data says otherwise.
void Locales::find_parents(const std::map<std::string, std::string, std::less<>>& exceptional) {
  for (auto& locale : locales_) {
    std::string name = locale.name;
    for (;;) {
      if (const auto id = find_locale(name)) locale.chain.push_back(*id);
      if (name == kRoot) break;
      const auto said = exceptional.find(name);
      const auto cut = name.rfind('_');
      name = said != exceptional.end() ? said->second
             : cut != name.npos        ? name.substr(0, cut)
                                       : kRoot;
    }
  }
}

void Locales::find_fallbacks() {
  for (PathId id = 0; id < paths_.size(); ++id) {  // grows: a fallback may be stated by nobody
    const std::string text = paths_[id].text;
    if (const auto other = fallback_of(text)) {
      const PathId fallback = path(*other);
      paths_[id].fallback = fallback;
    }
    paths_[id].itself = code(text);
  }
}

// By the longest prefix that root has an alias for, else to a plainer form.
std::optional<std::string> Locales::fallback_of(const std::string& path) const {
  for (std::size_t end = path.size(); end != path.npos && end > 0; end = path.rfind('/', end - 1)) {
    const auto alias = aliases_.find(path.substr(0, end));
    if (alias != aliases_.end()) return alias->second + path.substr(end);
  }
  return plainer(path);
}

}  // namespace resolver
