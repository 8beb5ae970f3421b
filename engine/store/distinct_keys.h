// How many different keys are there?
#pragma once

#include <bit>
#include <cstddef>
#include <functional>
#include <vector>

#include "caveat/types.h"
#include "pool/invariant.h"

namespace caveat {

// Counts distinct keys among at most `keys_max`. Open addressing in one allocation: a node-based
// set cost more than encoding the records did.
class DistinctKeys {
 public:
  explicit DistinctKeys(std::size_t keys_max) : slots_(std::bit_ceil(keys_max * 2 + 2)) {}

  void add(const ExceptionKey& key) noexcept {
    if (key == kFree) {
      count_ += free_key_ ? 0 : 1;
      free_key_ = true;
      return;
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = std::hash<ExceptionKey>{}(key)&mask;
    for (; !(slots_[at] == kFree); at = (at + 1) & mask) {
      if (slots_[at] == key) return;
    }
    slots_[at] = key;
    ++count_;
    CAVEAT_ASSERT(count_ < slots_.size());
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  static constexpr ExceptionKey kFree{};  // marks a free slot; as a key it is counted apart

  std::vector<ExceptionKey> slots_;
  std::size_t count_ = 0;
  bool free_key_ = false;
};

}  // namespace caveat
