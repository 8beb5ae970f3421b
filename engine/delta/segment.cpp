#include "engine/delta/segment.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace caveat::detail {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

struct Entry {
  SortTerm term;
  std::uint32_t position;
  friend bool operator<(const Entry& a, const Entry& b) noexcept {
    return a.term != b.term ? a.term < b.term : a.position < b.position;
  }
};

}  // namespace

std::uint64_t confidence_term(float confidence) noexcept {
  // Bits of floats that are not negative order like the floats.
  CAVEAT_ASSERT(!(confidence < 0.0F));
  return std::bit_cast<std::uint32_t>(confidence + 0.0F);
}

std::uint64_t time_term(std::int64_t time) noexcept {
  return static_cast<std::uint64_t>(time) ^ kSignBit;
}

SortTerm term_of(const DeltaRow& row, SegmentOrder order) noexcept {
  switch (order) {
    case SegmentOrder::key:
      return {row.key.node_id, row.key.property_hash};
    case SegmentOrder::property:
      return {row.key.property_hash, row.key.node_id};
    case SegmentOrder::source:
      return {static_cast<std::uint64_t>(row.source), 0};
    case SegmentOrder::confidence:
      return {confidence_term(row.confidence), 0};
    case SegmentOrder::time:
      return {time_term(row.created_at), 0};
  }
  return {};
}

Permutation::Slice Permutation::slice(const Segment& segment,
                                      const TermRange& range) const noexcept {
  if (size == 0 || range.last < first || last < range.first || range.last < range.first) return {};
  const std::uint16_t* const begin = positions.get();
  const std::uint16_t* const end = begin + size;
  const auto term = [&](std::uint16_t at) { return term_of(segment.row(at), range.order); };
  const auto* from =
      std::partition_point(begin, end, [&](std::uint16_t at) { return term(at) < range.first; });
  const auto* to =
      std::partition_point(from, end, [&](std::uint16_t at) { return !(range.last < term(at)); });
  return {static_cast<std::uint32_t>(from - begin), static_cast<std::uint32_t>(to - begin)};
}

Segment::~Segment() {
  for (auto& order : orders_) {
    const Permutation* permutation = order.load(std::memory_order_relaxed);
    while (permutation != nullptr) {
      const Permutation* previous = permutation->previous;
      delete permutation;
      permutation = previous;
    }
  }
}

const Permutation* Segment::sorted(SegmentOrder order, std::uint32_t count,
                                   std::uint32_t scan_rows) const {
  auto& published = orders_[static_cast<std::size_t>(order)];
  for (;;) {
    const Permutation* current = published.load(std::memory_order_acquire);
    const std::uint32_t covered = current == nullptr ? 0 : current->covered;
    if (covered >= count) return current;
    // A full segment is sorted for good; one that grows only when the scan becomes dear.
    if (count < capacity_ && count - covered <= scan_rows) return current;

    std::unique_ptr<Permutation> built(build(order, count, current));
    if (published.compare_exchange_strong(current, built.get(), std::memory_order_acq_rel)) {
      permutation_bytes_.fetch_add(built->bytes(), std::memory_order_relaxed);
      return built.release();
    }
    // Another reader was faster: take its work.
  }
}

Permutation* Segment::build(SegmentOrder order, std::uint32_t count,
                            const Permutation* base) const {
  const std::uint32_t covered = base == nullptr ? 0 : base->covered;
  const std::uint32_t kept = base == nullptr ? 0 : base->size;
  std::vector<Entry> entries;
  entries.reserve(kept + (count - covered));
  for (std::uint32_t i = 0; i < kept; ++i) {
    const std::uint16_t at = base->positions[i];
    entries.push_back({term_of(row(at), order), at});
  }
  for (std::uint32_t at = covered; at < count; ++at) {
    if (row(at).kind == RowKind::store) entries.push_back({term_of(row(at), order), at});
  }
  const auto middle = entries.begin() + kept;
  std::sort(middle, entries.end());
  std::inplace_merge(entries.begin(), middle, entries.end());

  auto result = std::make_unique<Permutation>();
  result->previous = base;
  result->covered = count;
  result->size = static_cast<std::uint32_t>(entries.size());
  if (entries.empty()) return result.release();
  result->first = entries.front().term;
  result->last = entries.back().term;
  result->positions = std::make_unique<std::uint16_t[]>(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    result->positions[i] = static_cast<std::uint16_t>(entries[i].position);
  }
  return result.release();
}

}  // namespace caveat::detail
