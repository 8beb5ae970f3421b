// Terms, and the set of them that one partition holds.
#include <algorithm>
#include <bit>
#include <iterator>

#include "caveat/index_manager.h"
#include "indexes/radix_sort.h"

namespace caveat {

std::uint64_t TermRules::confidence(float confidence) noexcept {
  constexpr double kScale = 4095.0;
  if (!(confidence > 0.0F)) return 0;  // NaN as well
  if (confidence >= 1.0F) return 4095;
  // A float times 4095 is exact in a double: the map is the same on every machine.
  return static_cast<std::uint64_t>(static_cast<double>(confidence) * kScale);
}

namespace {

template <class T>
void make_set(std::vector<T>& values, std::vector<T>& scratch) {
  posting::radix_sort(std::span(values), scratch, [](T value) -> std::uint64_t { return value; });
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

void HintBuilder::finish(HintSet& out) {
  out.clear();
  make_set(properties_, scratch_);
  out.terms[index_slot(Family::property)].assign(properties_.begin(), properties_.end());
  auto& sources = out.terms[index_slot(Family::source)];
  for (auto rest = sources_; rest != 0; rest &= rest - 1)
    sources.push_back(static_cast<std::uint64_t>(std::countr_zero(rest)));
  auto& confidences = out.terms[index_slot(Family::confidence)];
  for (auto words = confidence_words_; words != 0; words &= words - 1) {
    const auto word = static_cast<std::size_t>(std::countr_zero(words));
    for (auto rest = confidences_[word]; rest != 0; rest &= rest - 1)
      confidences.push_back(word * 64 + static_cast<std::uint64_t>(std::countr_zero(rest)));
  }
  make_set(times_, time_scratch_);
  out.terms[index_slot(Family::temporal)].assign(times_.begin(), times_.end());
  reset();
}

void HintBuilder::reset() noexcept {
  properties_.clear();
  times_.clear();
  sources_ = 0;
  for (auto words = confidence_words_; words != 0; words &= words - 1)
    confidences_[static_cast<std::size_t>(std::countr_zero(words))] = 0;
  confidence_words_ = 0;
}

void HintChanges::diff(const HintSet& before, const HintSet& after, PartitionId partition) {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    auto& changes = families[slot];
    const auto& old_terms = before.terms[slot];
    const auto& new_terms = after.terms[slot];
    auto old_term = old_terms.begin();
    auto new_term = new_terms.begin();
    while (old_term != old_terms.end() || new_term != new_terms.end()) {
      if (new_term == new_terms.end() || (old_term != old_terms.end() && *old_term < *new_term)) {
        changes.push_back({*old_term++, partition, false});
      } else if (old_term == old_terms.end() || *new_term < *old_term) {
        changes.push_back({*new_term++, partition, true});
      } else {
        ++old_term;
        ++new_term;
      }
    }
  }
}

void HintChanges::add_all(const HintSet& hints, PartitionId partition) {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot)
    for (const auto term : hints.terms[slot]) families[slot].push_back({term, partition, true});
}

void HintChanges::remove_all(const HintSet& hints, PartitionId partition) {
  for (std::size_t slot = 0; slot < kIndexCount; ++slot)
    for (const auto term : hints.terms[slot]) families[slot].push_back({term, partition, false});
}

void HintChanges::sort() {
  const auto by_pair = [](const PostingChange& a, const PostingChange& b) {
    return a.pair() < b.pair();
  };
  for (auto& list : families) {
    // Stable: of several changes of one pair the last one counts.
    if (!std::is_sorted(list.begin(), list.end(), by_pair))
      std::stable_sort(list.begin(), list.end(), by_pair);
  }
}

HintChanges HintChanges::take_removals() {
  HintChanges removals;
  for (std::size_t slot = 0; slot < kIndexCount; ++slot) {
    auto& changes = families[slot];
    auto& removed = removals.families[slot];
    std::copy_if(changes.begin(), changes.end(), std::back_inserter(removed),
                 [](const PostingChange& change) { return !change.add; });
    if (!removed.empty())
      std::erase_if(changes, [](const PostingChange& change) { return !change.add; });
  }
  return removals;
}

bool HintChanges::empty() const noexcept {
  return count() == 0;
}

std::size_t HintChanges::count() const noexcept {
  std::size_t count = 0;
  for (const auto& list : families) count += list.size();
  return count;
}

}  // namespace caveat
