#include "tools/cli/nearest.h"

#include <algorithm>

namespace caveat::cli {
namespace {

// How many letters to add, drop or change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  std::string found;
  std::size_t best = 3;                // farther ones are no help
  if (word.size() > 64) return found;  // and nor is the time they take
  for (const auto& name : names) {
    const bool begun = name.starts_with(word);
    const std::size_t away = begun ? 0 : distance(word, name);
    if (away < best && (begun || away < name.size() / 2)) {
      best = away;
      found = name;
    }
  }
  return found;
}

}  // namespace caveat::cli
