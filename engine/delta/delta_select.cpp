// Queries over the delta: candidates by the cheapest way, every condition checked again, and only
// the version of a key that lookup() gives.
#include <algorithm>
#include <array>
#include <limits>

#include "engine/delta/delta_view.h"
#include "engine/delta/sort_rows.h"

namespace caveat {
namespace {

using detail::Permutation;
using detail::Segment;
using detail::SegmentOrder;
using detail::SortTerm;
using detail::TermRange;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
// Of recent rows: of more, a stretch is looked up in the sorted segments.
constexpr std::size_t kKeysOfNodeMax = 1024;

// The conditions as ranges of the orders: rows outside one of them do not match.
class Ranges {
 public:
  explicit Ranges(const DeltaFilter& filter) {
    if (filter.property) add_property(filter);
    if (filter.time) {
      add(SegmentOrder::time, {detail::time_term(filter.time->start_ns), 0},
          {detail::time_term(filter.time->end_ns), 0});
    }
    if (filter.confidence) add_confidence(*filter.confidence);
    if (filter.lower || filter.upper) add_keys(filter);
    if (filter.source) {
      const SortTerm term{static_cast<std::uint64_t>(*filter.source), 0};
      add(SegmentOrder::source, term, term);
    }
  }

  [[nodiscard]] const TermRange* begin() const noexcept { return ranges_.data(); }
  [[nodiscard]] const TermRange* end() const noexcept { return ranges_.data() + size_; }
  // Nothing can match.
  [[nodiscard]] bool impossible() const noexcept { return impossible_; }

 private:
  void add(SegmentOrder order, SortTerm first, SortTerm last) {
    impossible_ = impossible_ || last < first;
    ranges_[size_++] = {order, first, last};
  }
  void add_property(const DeltaFilter& filter) {
    const NodeId first = filter.lower ? filter.lower->node_id : 0;
    const NodeId last = filter.upper ? filter.upper->node_id : kMax;
    add(SegmentOrder::property, {*filter.property, first}, {*filter.property, last});
  }
  void add_confidence(const Query::ConfidenceRange& range) {
    if (!(range.max >= 0.0F) || !(range.min <= range.max)) {  // NaN too
      impossible_ = true;
      return;
    }
    add(SegmentOrder::confidence, {detail::confidence_term(std::max(range.min, 0.0F)), 0},
        {detail::confidence_term(range.max), 0});
  }
  void add_keys(const DeltaFilter& filter) {
    const ExceptionKey lower = filter.lower.value_or(ExceptionKey{});
    SortTerm last{kMax, kMax};
    if (filter.upper) {
      if (*filter.upper == ExceptionKey{}) impossible_ = true;
      last = {filter.upper->node_id - (filter.upper->property_hash == 0 ? 1 : 0),
              filter.upper->property_hash - 1};
    }
    add(SegmentOrder::key, {lower.node_id, lower.property_hash}, last);
  }

  std::array<TermRange, detail::kSegmentOrderCount> ranges_;
  std::size_t size_ = 0;
  bool impossible_ = false;
};

template <class Visit>
void for_each_segment(const Generation& generation, const Visit& visit) {
  for (const Segment* s = generation.segments(); s != nullptr; s = s->previous()) visit(*s);
}

// The rows of a segment that can match: a slice of a permutation, and what that does not cover.
struct Candidates {
  const Permutation* permutation = nullptr;
  Permutation::Slice slice;
  std::uint32_t scan_from = 0;
  std::uint32_t rows = 0;
};

Candidates cheapest(const Segment& segment, std::uint32_t count, std::uint32_t scan_rows,
                    const Ranges& ranges) {
  Candidates best;
  best.rows = count;
  for (const TermRange& range : ranges) {
    const Permutation* sorted = segment.sorted(range.order, count, scan_rows);
    if (sorted == nullptr) break;  // few rows: none of the orders is worth it
    Candidates candidates{sorted, sorted->slice(segment, range), std::min(sorted->covered, count),
                          0};
    candidates.rows = candidates.slice.end - candidates.slice.begin + count - candidates.scan_from;
    if (best.permutation == nullptr || candidates.rows < best.rows) best = candidates;
    if (best.slice.begin == best.slice.end) break;  // it does not get cheaper
  }
  return best;
}

}  // namespace

bool delta_row_matches(const DeltaRow& row, const DeltaFilter& filter) noexcept {
  if (filter.node && row.key.node_id != *filter.node) return false;
  if (filter.property && row.key.property_hash != *filter.property) return false;
  if (filter.source && row.source != *filter.source) return false;
  if (filter.confidence &&
      !(row.confidence >= filter.confidence->min && row.confidence <= filter.confidence->max)) {
    return false;
  }
  if (filter.time &&
      !(row.created_at >= filter.time->start_ns && row.created_at <= filter.time->end_ns)) {
    return false;
  }
  if (filter.lower && row.key < *filter.lower) return false;
  return !filter.upper || row.key < *filter.upper;
}

bool DeltaView::is_live_version(const DeltaRow& row) const noexcept {
  return row.sequence <= ceiling_ && row.kind == RowKind::store && lookup(row.key).row == &row;
}

void DeltaView::select_node(const DeltaFilter& filter, std::vector<const DeltaRow*>& out) const {
  for (const auto& generation : generations_) {
    const DeltaRow* first = generation->node_head(*filter.node);
    for (; first != nullptr; first = first->link) {
      if (first->sequence > ceiling_) continue;
      const DeltaHit hit = lookup(first->key);
      if (hit.row == nullptr || !delta_row_matches(*hit.row, filter)) continue;
      // A version of a younger generation was met there.
      if (hit.sequence <= generation->last_sequence()) out.push_back(hit.row);
    }
  }
}

void DeltaView::select_segments(const DeltaFilter& filter,
                                std::vector<const DeltaRow*>& out) const {
  const Ranges ranges(filter);
  if (ranges.impossible()) return;
  const auto take = [&](const DeltaRow& row) {
    if (delta_row_matches(row, filter) && is_live_version(row)) out.push_back(&row);
  };
  for (const auto& generation : generations_) {
    const std::uint32_t scan_rows = generation->options().unsorted_rows;
    for_each_segment(*generation, [&](const Segment& segment) {
      const std::uint32_t count = segment.count();
      const Candidates found = cheapest(segment, count, scan_rows, ranges);
      for (std::uint32_t i = found.slice.begin; i < found.slice.end; ++i) {
        take(segment.row(found.permutation->positions[i]));
      }
      for (std::uint32_t at = found.scan_from; at < count; ++at) take(segment.row(at));
    });
  }
}

bool DeltaView::has_many_of(NodeId node) const noexcept {
  std::size_t keys = 0;
  for (const auto& generation : generations_) {
    const DeltaRow* first = generation->node_head(node);
    for (; first != nullptr && keys <= kKeysOfNodeMax; first = first->link) ++keys;
  }
  return keys > kKeysOfNodeMax;
}

std::vector<const DeltaRow*> DeltaView::select(const DeltaFilter& filter) const {
  std::vector<const DeltaRow*> out;
  if (filter.node && (filter.lower || filter.upper) && has_many_of(*filter.node)) {
    // Who asks for one stretch after the other must not walk past all of the node for each.
    DeltaFilter stretch = filter;
    stretch.from({*filter.node, 0});
    if (*filter.node != kMax) stretch.below({*filter.node + 1, 0});
    select_segments(stretch, out);
  } else if (filter.node) {
    select_node(filter, out);
  } else {
    select_segments(filter, out);
  }
  detail::sort_rows_by_key(out);
  return out;
}

std::size_t DeltaView::estimate(const DeltaFilter& filter) const noexcept {
  std::size_t total = 0;
  if (filter.node) {
    for (const auto& generation : generations_) {
      const DeltaRow* first = generation->node_head(*filter.node);
      for (; first != nullptr; first = first->link) ++total;
    }
    return total;
  }
  const Ranges ranges(filter);
  if (ranges.impossible()) return 0;
  for (const auto& generation : generations_) {
    for_each_segment(*generation, [&](const Segment& segment) {
      const std::uint32_t count = segment.count();
      std::uint32_t least = count;
      for (const TermRange& range : ranges) {
        const Permutation* sorted = segment.sorted_if_built(range.order);
        if (sorted == nullptr) continue;
        const auto slice = sorted->slice(segment, range);
        const std::uint32_t unsorted = count - std::min(sorted->covered, count);
        least = std::min(least, slice.end - slice.begin + unsorted);
      }
      total += least;
    });
  }
  return total;
}

}  // namespace caveat
