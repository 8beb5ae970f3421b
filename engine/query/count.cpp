// Counting without materialising: columns alone, and where no condition is set but a range of nodes
// the directory's own counts for every partition that nothing newer touches.
#include <algorithm>
#include <limits>

#include "engine/query/opening.h"
#include "engine/query/query_engine.h"
#include "engine/query/row_matcher.h"

namespace caveat {
namespace {

using detail::Conditions;
using detail::Opening;
using detail::PositionSet;

constexpr std::size_t kBatchPartitions = 16;

class Counter {
 public:
  struct Part {
    const Conditions* conditions = nullptr;
    PositionSet positions;
    bool descending = false;
    std::optional<ExceptionKey> after;  // in that direction
    std::uint64_t limit = 0;
    std::optional<std::size_t> sole_index = std::nullopt;  // whose hints led here
  };
  Counter(const QueryContext& context, const ReadView& view, Part part)
      : context_(context),
        view_(view),
        directory_(*view.version->directory),
        part_(std::move(part)),
        use_(context.cache_use(part_.positions.size())),
        matcher_(context, view, *part_.conditions) {}

  Result<std::uint64_t> count() {
    if (part_.limit == 0 || part_.conditions->impossible) return std::uint64_t{0};
    count_delta();
    const bool by_directory = part_.conditions->none_but_nodes() && find_touched();
    detail::PositionWalk walk(part_.positions, part_.descending,
                              part_.after ? &*part_.after : nullptr);
    std::vector<Directory::Position> batch;
    bool first = part_.after.has_value();
    while (walk.left() > 0 && count_ < part_.limit) {
      walk.take(first ? 1 : kBatchPartitions, batch);
      if (first) {
        CAVEAT_TRY(count_first(batch.front()));
        first = false;
        continue;
      }
      if (by_directory) take_untouched(batch);
      if (!batch.empty()) CAVEAT_TRY(count_batch(batch));
    }
    return std::min(count_, part_.limit);
  }

 private:
  void count_delta() {
    auto filter = part_.conditions->delta_filter();
    if (part_.after && part_.descending) filter.below(*part_.after);
    if (part_.after && !part_.descending) filter.from(*part_.after);
    const auto rows = view_.delta().select(filter);
    count_ = rows.size();
    if (part_.after && !rows.empty() && rows.front()->key == *part_.after) --count_;
  }

  // Partitions that the delta says anything about; false where that is most of them.
  bool find_touched() {
    if (view_.delta().has_clears()) return false;
    std::size_t keys = 0;
    for (const auto& generation : view_.version->generations) keys += generation->by_key().size();
    if (keys > directory_.partition_count() * 4) return false;
    if (part_.conditions->nodes && keys > part_.positions.size() * 64) return false;
    for (const auto& generation : view_.version->generations) {
      generation->by_key().for_each(
          [&](const DeltaRow& row) { touched_.push_back(directory_.locate(row.key)); });
    }
    std::sort(touched_.begin(), touched_.end(), before);
    return true;
  }

  static bool before(const Directory::Position& a, const Directory::Position& b) noexcept {
    return a.group != b.group ? a.group < b.group : a.index < b.index;
  }

  // Does a range of nodes leave all of the partition?
  [[nodiscard]] bool whole(const Directory::Position& position) const {
    const auto& nodes = part_.conditions->nodes;
    if (!nodes) return true;
    if (directory_.at(position).lower < part_.conditions->first_key()) return false;
    const auto upper = directory_.upper_bound(position);
    if (!upper) return nodes->last == std::numeric_limits<NodeId>::max();
    // The first key behind the range ends it as well.
    return *upper <= part_.conditions->last_key() ||
           (upper->property_hash == 0 && upper->node_id == nodes->last + 1);
  }

  // Adds the partitions whose count the directory knows, and takes them off the batch.
  void take_untouched(std::vector<Directory::Position>& batch) {
    std::erase_if(batch, [&](const Directory::Position& position) {
      const PartitionEntry& entry = directory_.at(position);
      const bool known = whole(position) && entry.run_rows == 0 &&
                         view_.version->clears->newest() <= entry.as_of_min &&
                         !std::binary_search(touched_.begin(), touched_.end(), position, before);
      if (known) count_ += entry.rows;
      return known;
    });
  }

  Result<void> count_batch(const std::vector<Directory::Position>& batch) {
    CAVEAT_ASSIGN(const auto images,
                  context_.reader.load_many(*view_.version, batch, use_, BlockForm::keys));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      CAVEAT_ASSIGN(const auto matches, matcher_.count(*images[i]));
      count_ += matches;
      if (part_.sole_index) {
        context_.counters.indexes[*part_.sole_index].add_partition(images[i]->row_limit(), matches,
                                                                   matcher_.held_match());
      }
    }
    return {};
  }

  // The partition of the key that the count begins behind.
  Result<void> count_first(const Directory::Position& position) {
    CAVEAT_ASSIGN(const auto image,
                  context_.reader.load(*view_.version, position, use_, BlockForm::keys));
    std::vector<detail::Match> matches;
    CAVEAT_TRY(matcher_.match(*image, matches));
    for (const auto& match : matches) {
      const bool behind = part_.descending ? match.key < *part_.after : *part_.after < match.key;
      count_ += behind ? 1U : 0U;
    }
    return {};
  }

  const QueryContext& context_;
  const ReadView& view_;
  const Directory& directory_;
  Part part_;
  const CacheUse use_;
  detail::RowMatcher matcher_;
  std::vector<Directory::Position> touched_;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<std::uint64_t> count_matches(const QueryContext& context, const ReadView& view,
                                    const Query& query) {
  CAVEAT_ASSIGN(const Opening opening, detail::open_query(context, view, query));
  if (opening.plan.sole_index) {
    context.counters.indexes[*opening.plan.sole_index].add_gone(opening.plan.gone);
  }
  const auto count = [&](const Conditions& conditions, std::optional<ExceptionKey> after,
                         std::uint64_t limit) {
    Counter::Part part{&conditions, opening.plan.positions, query.descending, after,
                       limit,       opening.plan.sole_index};
    return Counter(context, view, std::move(part)).count();
  };
  const std::uint64_t limit = query.limit;
  if (!opening.after || query.order == QueryOrder::key) {
    return count(opening.conditions, opening.after_key(), limit);
  }
  // Behind a position in an order by value: the rest of its value, and the values behind it.
  auto values = detail::ascending(opening.conditions.value_range(query.order), query.descending);
  const auto after = detail::ascending(*opening.after, query.descending);
  std::uint64_t total = 0;
  if (!values.empty() && after.value >= values.lo && after.value <= values.hi) {
    Conditions tie = opening.conditions;
    tie.set_value_range(query.order, {opening.after->value, opening.after->value});
    CAVEAT_ASSIGN(total, count(tie, opening.after->key, limit));
  }
  if (after.value >= values.hi) return total;
  values.lo = std::max(values.lo, after.value + 1);
  Conditions rest = opening.conditions;
  rest.set_value_range(query.order, detail::ascending(values, query.descending));
  CAVEAT_ASSIGN(const auto behind, count(rest, std::nullopt, limit - total));
  return total + behind;
}

}  // namespace caveat
