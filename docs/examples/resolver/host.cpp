#include "host.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace resolver {

using caveat::PropertyValue;

std::optional<PropertyValue> stated(const Locales& locales, LocaleId locale, PathId path) {
  const auto& values = locales.all()[locale].stated;
  const auto at = values.find(path);
  return at == values.end() ? std::nullopt : std::optional(at->second);
}

Host::Host(const Locales& locales, const caveat::StorageOptimizer& store,
           const std::filesystem::path& nodes)
    : locales_(locales), store_(store), facts_(locales.all().size()) {
  for (const auto& path : locales.paths()) hashes_.push_back(caveat::hash_property(path.text));
  find_facts();
  read_nodes(nodes);
}

std::optional<PropertyValue> Host::effective(LocaleId locale, PathId path) {
  return resolve(locales_, locale, path, [this](auto l, auto p) { return own(l, p); });
}

std::optional<PropertyValue> Host::own(LocaleId locale, PathId path) {
  ++lookups_;
  const auto exception = store_.retrieve_view(key(locale, path));
  if (!exception) throw std::runtime_error(exception.error().message());
  if (*exception) return (**exception)->actual_value.to_value();
  ++misses_;
  const auto fact = facts_[locale].find(path);
  return fact == facts_[locale].end() ? std::nullopt : std::optional(*fact->second);
}

caveat::ExceptionKey Host::key(LocaleId locale, PathId path) const {
  return {nodes_[locale * branch_count_ + branches_[path]], hashes_[path]};
}

bool Host::has_fact(LocaleId locale, PathId path) const {
  return facts_[locale].contains(path);
}

// A fact is the first statement on the way up from which nothing differs: no ancestor states the
// path, and if another path or a code would stand in, it agrees. (It has to be kept even so: what
// inherits from here gets this value, not what stands in there.)
void Host::find_facts() {
  const auto& all = locales_.all();
  for (LocaleId locale = 0; locale < all.size(); ++locale) {
    const auto& chain = all[locale].chain;
    for (const auto& [path, value] : all[locale].stated) {
      const auto states = [&all, path = path](LocaleId id) {
        return all[id].stated.contains(path);
      };
      if (std::any_of(chain.begin() + 1, chain.end(), states)) continue;
      const auto look = [this](auto l, auto p) { return stated(locales_, l, p); };
      const auto inherited = resolve(locales_, locale, path, look, 1);
      const bool is_exception = chain.size() > 1 && inherited && *inherited != value;
      if (is_exception) continue;
      facts_[locale].emplace(path, &value);
      ++fact_count_;
    }
  }
}

void Host::read_nodes(const std::filesystem::path& file) {
  std::ifstream lines(file);
  if (!lines) throw std::runtime_error(file.string() + ": cannot be read");
  struct Row {
    caveat::NodeId node;
    LocaleId locale;
    std::size_t branch;
  };
  std::vector<Row> rows;
  std::unordered_map<std::string, std::size_t> branches{{"", 0}};
  caveat::NodeId last = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::string node, locale, branch;
    std::getline(cells, node, '\t');
    std::getline(cells, locale, '\t');
    std::getline(cells, branch, '\t');
    last = std::stoull(node);
    const auto id = locales_.find_locale(locale);
    if (!id) continue;  // supplemental data: territories and currencies, which are no locales
    rows.push_back({last, *id, branches.try_emplace(branch, branches.size()).first->second});
  }

  branch_count_ = branches.size();
  nodes_.resize(locales_.all().size() * branch_count_);
  for (auto& node : nodes_) node = ++last;
  for (const auto& row : rows) nodes_[row.locale * branch_count_ + row.branch] = row.node;

  // A path belongs to the longest branch it lies below.
  for (const auto& path : locales_.paths()) {
    std::size_t end = path.text.rfind('/');
    auto at = branches.end();
    for (; end != std::string::npos && at == branches.end(); end = path.text.rfind('/', end - 1))
      at = branches.find(path.text.substr(0, end));
    branches_.push_back(at == branches.end() ? 0 : at->second);
  }
}

}  // namespace resolver
