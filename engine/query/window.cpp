#include "engine/query/window.h"

#include <algorithm>

namespace caveat::detail {
namespace {

constexpr std::size_t kPairsGrowth = 4;

void sort_distinct(std::vector<PartitionId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

WindowCutter::WindowCutter(const Plan& plan, const Order& order)
    : order_(order), ended_(order.values.empty()), whole_(plan.positions) {}

Result<WindowCutter> WindowCutter::by_index(const QueryContext& context, const Version& version,
                                            const Plan& plan, const Order& order,
                                            std::size_t first_pairs) {
  WindowCutter cutter;
  cutter.order_ = order;
  cutter.ended_ = order.values.empty();
  if (cutter.ended_) return cutter;
  cutter.context_ = &context;
  cutter.version_ = &version;
  if (plan.positions.is_list()) cutter.others_ = plan.positions.ids();
  cutter.all_ = plan.positions;
  const std::size_t total = version.directory->partition_count();
  if (!plan.positions.is_list() && plan.positions.size() < total) {
    cutter.stretch_ = plan.positions;
    // Of what the index names, about so much is in the stretch.
    first_pairs = std::min(first_pairs, kPairsMax) * (total / plan.positions.size());
  }
  cutter.from_ = order.values.lo;
  cutter.pairs_ = std::clamp(first_pairs, kPairsMin, kPairsMax);
  const ValueRange values = ascending(order.values, order.descending);
  const caveat::TermRange terms{family_of(order.order), cutter.term_of(values.lo),
                                cutter.term_of(values.hi)};
  auto opened = context.indexes.cursor(terms, order.descending, version.backend_snapshot.get());
  if (opened) {
    cutter.terms_ = std::move(*opened);
  } else {
    CAVEAT_TRY(cutter.do_without(opened.error()));
  }
  return cutter;
}

// Of a value as it is, not complemented.
std::uint64_t WindowCutter::term_of(SortValue value) const noexcept {
  if (order_.order == QueryOrder::confidence) return TermRules::confidence(confidence_of(value));
  return context_->indexes.rules().temporal(time_of(value));
}

// The last value of the term in the direction of the order, in ascending terms. Terms are monotone
// in the values, so bisection finds it whatever the rule is.
SortValue WindowCutter::last_value_of(std::uint64_t term) const {
  auto [lo, hi] = all_values(order_.order);
  if (order_.descending) {
    while (lo < hi) {  // the smallest value of the term or above
      const SortValue middle = lo + (hi - lo) / 2;
      if (term_of(middle) >= term) {
        hi = middle;
      } else {
        lo = middle + 1;
      }
    }
    return ~lo;
  }
  while (lo < hi) {  // the largest value of the term or below
    const SortValue middle = hi - (hi - lo) / 2;
    if (term_of(middle) <= term) {
      lo = middle;
    } else {
      hi = middle - 1;
    }
  }
  return lo;
}

// The index cannot be read: what is left to show is one window over every partition.
Result<void> WindowCutter::do_without(const StorageError& error) {
  if (error.code() != ErrorCode::corruption) return fail(error);
  context_->reader.index_damaged(*version_, family_of(order_.order), error);
  order_.values.lo = from_;
  whole_ = all_;
  return {};
}

Result<std::optional<Window>> WindowCutter::next() {
  if (ended_) return std::optional<Window>();
  if (whole_) {
    ended_ = true;
    return std::optional<Window>({order_.values, *whole_});
  }
  std::vector<PartitionId> ids;
  Window window{{from_, order_.values.hi}, {}};
  for (;;) {
    auto next = terms_->next();
    if (!next) {
      CAVEAT_TRY(do_without(next.error()));
      return this->next();
    }
    const auto& group = *next;
    if (!group) {
      ended_ = true;
      break;
    }
    ids.insert(ids.end(), group->partitions.begin(), group->partitions.end());
    if (ids.size() < pairs_) continue;
    const SortValue last = last_value_of(group->term);
    if (last >= order_.values.hi) {
      ended_ = true;
    } else {
      window.values.hi = last;
      from_ = last + 1;
      pairs_ = std::min(pairs_ * kPairsGrowth, kPairsMax);
    }
    break;
  }
  sort_distinct(ids);
  if (others_) ids = intersect_sorted(ids, *others_);
  std::uint64_t gone = 0;
  window.positions = positions_of(*context_, *version_, ids, gone);
  if (stretch_) window.positions = window.positions.within(*stretch_);
  return std::optional<Window>(std::move(window));
}

}  // namespace caveat::detail
