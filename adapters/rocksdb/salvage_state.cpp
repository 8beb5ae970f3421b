#include "adapters/rocksdb/salvage_state.h"

#include <algorithm>

#include "engine/sync/sync_point.h"

namespace caveat::detail {

std::map<std::string, ValueChain, std::less<>> newest_states(
    std::vector<SalvagedEntry> entries, const std::vector<ErasedRange>& erased) {
  const bool newest_first = !CAVEAT_PLANTED(salvage_takes_the_oldest);
  // Of two entries of one sequence the longer was joined from the other and its neighbours.
  std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
    if (a.key != b.key) return a.key < b.key;
    if (a.sequence != b.sequence) {
      return newest_first ? a.sequence > b.sequence : a.sequence < b.sequence;
    }
    return a.place.bytes > b.place.bytes;
  });
  std::map<std::string, ValueChain, std::less<>> states;
  for (std::size_t i = 0; i < entries.size();) {
    const std::string& key = entries[i].key;
    std::uint64_t erased_at = 0;
    bool is_erased = false;
    for (const ErasedRange& range : erased) {
      if (range.first <= key && key < range.last && range.sequence >= erased_at) {
        erased_at = range.sequence;
        is_erased = true;
      }
    }
    ValueChain chain;
    bool ended = false;
    std::optional<std::uint64_t> last;
    std::size_t next = i;
    for (; next < entries.size() && entries[next].key == key; ++next) {
      SalvagedEntry& entry = entries[next];
      if (ended || last == entry.sequence) continue;
      last = entry.sequence;
      if (is_erased && entry.sequence < erased_at) {
        ended = true;
      } else if (entry.kind == EntryKind::erase) {
        ended = true;
      } else {
        chain.parts.push_back(entry.place);
        chain.begins = ended = entry.kind == EntryKind::put;
      }
    }
    if (!chain.parts.empty()) {
      std::reverse(chain.parts.begin(), chain.parts.end());
      states.emplace_hint(states.end(), key, std::move(chain));
    }
    i = next;
  }
  return states;
}

void JoinedValue::add(std::string_view part, bool begins) {
  if (begins) {
    base_ = part;
    return;
  }
  for (auto begin = begins_.begin(); begin != begins_.end(); ++begin) {
    if (!part.starts_with(std::string_view(appended_).substr(*begin))) continue;
    appended_.resize(*begin);
    begins_.erase(begin, begins_.end());
    break;
  }
  begins_.push_back(appended_.size());
  appended_.append(part);
}

std::string JoinedValue::take() {
  if (!base_.ends_with(appended_)) base_.append(appended_);
  begins_.clear();
  appended_.clear();
  return std::move(base_);
}

}  // namespace caveat::detail
