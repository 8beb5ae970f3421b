#include "engine/block/reason_split.h"

#include <algorithm>

namespace caveat::detail {
namespace {

constexpr std::size_t kSamples = 48;
constexpr std::size_t kCandidates = 12;
constexpr std::size_t kWorthTrying = 8;  // bytes of distinct reasons a row
constexpr std::size_t kStringCost = 2;   // what a distinct string costs beside its bytes, about

std::size_t bytes_of(const StringPool& pool) {
  std::size_t bytes = 0;
  for (const std::string_view text : pool.strings()) bytes += text.size() + kStringCost;
  return bytes;
}

}  // namespace

std::size_t ReasonSplitter::cost(std::span<const std::string_view> reasons,
                                 std::string_view separator) {
  heads_.clear(reasons.size());
  tails_.clear(reasons.size());
  for (const std::string_view reason : reasons) {
    const auto [head, tail] = split_reason(reason, separator);
    static_cast<void>(heads_.add(head));
    static_cast<void>(tails_.add(tail));
  }
  return bytes_of(heads_) + bytes_of(tails_);
}

std::string_view ReasonSplitter::choose(std::span<const BlockRow> rows) {
  distinct_.clear(rows.size());
  for (const BlockRow& row : rows) static_cast<void>(distinct_.add(row.view.reason));
  const std::size_t whole = bytes_of(distinct_);
  const auto reasons = distinct_.strings();
  if (whole < rows.size() * kWorthTrying || reasons.size() < 4) return {};

  // Neighbours rather than an even selection: what repeats does so nearby.
  sample_.assign(reasons.begin(),
                 reasons.begin() + static_cast<std::ptrdiff_t>(std::min(kSamples, reasons.size())));
  const std::string_view model = sample_.front();
  const std::string_view other = sample_.back();
  std::string_view best;
  std::size_t least = ~std::size_t{0};
  std::size_t tried = 0;
  for (std::size_t at = model.find(' '); at != std::string_view::npos && tried < kCandidates;) {
    const std::size_t end = model.find(' ', at + 1);
    if (end == std::string_view::npos) break;
    const std::string_view word = model.substr(at, end - at + 1);
    at = end;
    if (other.find(word) == std::string_view::npos) continue;
    ++tried;
    const std::size_t bytes = cost(sample_, word);
    if (bytes >= least) continue;
    least = bytes;
    best = word;
  }
  if (best.empty()) return {};
  // Two index columns instead of one, and each reason is put together when it is read.
  return cost(reasons, best) + rows.size() < whole * 3 / 4 ? best : std::string_view();
}

}  // namespace caveat::detail
