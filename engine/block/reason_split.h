// Reasons are often a sentence of two halves that vary apart ("X differs from Y, where 33 of 128
// have Cc": X goes with the node, the rest with the property). Cut at one word, each half repeats
// far more often than the whole does.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/block/string_pool.h"

namespace caveat::detail {

struct ReasonSplitter {
  // The separator, with a space on either side, at whose first occurrence reasons are best cut;
  // empty where cutting does not pay.
  [[nodiscard]] std::string_view choose(std::span<const BlockRow> rows);
  [[nodiscard]] std::size_t bytes() const noexcept {
    return distinct_.bytes() + heads_.bytes() + tails_.bytes() +
           sample_.capacity() * sizeof(std::string_view);
  }

 private:
  [[nodiscard]] std::size_t cost(std::span<const std::string_view> reasons,
                                 std::string_view separator);
  StringPool distinct_, heads_, tails_;
  std::vector<std::string_view> sample_;
};

// The tail begins with the separator. Without one, all is head.
[[nodiscard]] inline std::pair<std::string_view, std::string_view> split_reason(
    std::string_view reason, std::string_view separator) noexcept {
  const std::size_t at = reason.find(separator);
  if (at == std::string_view::npos) return {reason, {}};
  return {reason.substr(0, at), reason.substr(at)};
}

}  // namespace caveat::detail
