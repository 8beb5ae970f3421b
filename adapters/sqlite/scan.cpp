#include "adapters/sqlite/scan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
// Keys that are looked up one by one; of more, nodes are queried.
constexpr std::size_t kPointsMax = 1 << 16;
// Streams that are merged; of more, everything is read and what is not wanted left out. Each holds
// a window of the engine's.
constexpr std::size_t kMergeMax = 8;
// Sources that are queried one by one; of more, everything is read.
constexpr int kSourceQueriesMax = 2;

// In the order of their names, as SQL sorts them.
constexpr std::array<ExceptionSource, kExceptionSourceCount> kSourcesByName = {
    ExceptionSource::Conflict, ExceptionSource::Detected, ExceptionSource::Explicit,
    ExceptionSource::Imported, ExceptionSource::Promoted};

bool has(unsigned sources, ExceptionSource source) noexcept {
  return (sources >> static_cast<unsigned>(source) & 1U) != 0;
}

KeyRange intersection(const KeyRange& a, const KeyRange& b) noexcept {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

// The range around all.
KeyRange around(const std::vector<KeyRange>& ranges) noexcept {
  if (ranges.empty()) return {};
  KeyRange all = ranges.front();
  for (const auto& range : ranges) {
    all = {std::min(all.first, range.first), std::max(all.last, range.last)};
  }
  return all;
}

// To the nodes of the range; what else it says of keys is asked of each row.
void restrict(Query& query, const KeyRange& range) noexcept {
  if (!query.node && !range.all()) {
    query.nodes = Query::NodeRange{range.first.node_id, range.last.node_id};
  }
}

bool signed_before(NodeId a, NodeId b) noexcept {
  return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
}

// Sorted by node as SQL sees it, then by key.
bool node_order(const ExceptionKey& a, const ExceptionKey& b) noexcept {
  if (a.node_id != b.node_id) return signed_before(a.node_id, b.node_id);
  return a < b;
}

// LIMIT and OFFSET: any number, negative ones mean none.
std::uint64_t rows_wanted(std::span<sqlite3_value* const> values, bool offset) {
  const auto limit = sqlite3_value_int64(values[0]);
  if (limit < 0) return kAll;
  const auto skipped = offset ? std::max<sqlite3_int64>(sqlite3_value_int64(values[1]), 0) : 0;
  return static_cast<std::uint64_t>(limit) + static_cast<std::uint64_t>(skipped);
}

}  // namespace

SqlResult<std::unique_ptr<Scan>> Scan::open(const ScanPlan& plan,
                                            std::span<sqlite3_value* const> values,
                                            Session& session) {
  std::unique_ptr<Scan> scan(new Scan(plan, session));
  std::size_t at = 0;
  for (const auto& condition : plan.conditions) {
    CAVEAT_TRY(scan->selection_.add(condition, values[at++], session));
  }
  scan->wanted_ = kAll;
  if (plan.limit && scan->selection_.exact) {
    scan->wanted_ = rows_wanted(values.subspan(at), plan.offset);
  }
  if (scan->selection_.nothing()) return scan;  // without a stage
  CAVEAT_ASSIGN(const bool counted, scan->count());
  if (!counted) scan->choose();
  return scan;
}

// --- Choosing what to read -----------------------------------------------------------------------

SqlResult<bool> Scan::count() {
  const bool written = view_.pending && !view_.pending->rows().empty();
  if (!plan_.count_only || written) return false;
  CAVEAT_ASSIGN(counted_, session_.store()->count(Query(), &view_.snapshot));
  return true;
}

void Scan::choose() {
  const auto& selection = selection_;
  const bool by_value = is_by_value(plan_.order);
  const auto points = selection.key_list ? selection.key_list->size()
                      : selection.node_list && selection.property_list
                          ? selection.node_list->size() * selection.property_list->size()
                          : kPointsMax + 1;
  // Keys that are looked up come in no order of values.
  const bool ordered = points <= 1 || !(by_value || plan_.source_descending);
  if (points <= kPointsMax && ordered) {
    choose_points();
  } else {
    choose_stages();
  }
}

void Scan::choose_points() {
  std::vector<ExceptionKey> keys;
  if (selection_.key_list) {
    keys = *selection_.key_list;
    std::erase_if(keys, [&](const ExceptionKey& key) { return !selection_.lists_hold(key); });
  } else {
    for (const auto node : *selection_.node_list) {
      for (const auto property : *selection_.property_list) keys.push_back({node, property});
    }
  }
  points_ = std::move(keys);
  if (plan_.order == RowOrder::node) std::sort(points_->begin(), points_->end(), node_order);
  if (plan_.descending) std::reverse(points_->begin(), points_->end());
}

Query Scan::base_query() const {
  Query query;
  query.descending = plan_.descending;
  if (plan_.order == RowOrder::confidence) query.order = QueryOrder::confidence;
  if (plan_.order == RowOrder::time) query.order = QueryOrder::time;
  if (selection_.confidence.lo > 0.0F || selection_.confidence.hi < 1.0F) {
    query.confidence = {selection_.confidence.lo, selection_.confidence.hi};
  }
  if (!selection_.time.all()) query.time = {selection_.time.lo, selection_.time.hi};
  for (const auto source : kSourcesByName) {
    if (selection_.sources == 1U << static_cast<unsigned>(source)) query.source = source;
  }
  const auto& nodes = selection_.node_list;
  const auto& properties = selection_.property_list;
  if (nodes && nodes->size() == 1) query.node = nodes->front();
  if (query.order != QueryOrder::key) restrict(query, around(parts()));
  if (properties && properties->size() == 1) query.property = properties->front();
  return query;
}

// What the conditions on node and key leave of the keys: two ranges where they hold for node ids
// that SQL shows as negative and for others, in the order of the plan.
std::vector<KeyRange> Scan::ranges() const {
  // An order of values is looked through as a whole.
  if (is_by_value(plan_.order)) return {KeyRange{}};
  if (selection_.node.all() && plan_.order != RowOrder::node) return {selection_.keys};
  auto in_order = parts();
  // The order of keys has node ids from 2^63 on last.
  const bool key_order = plan_.order != RowOrder::node;
  if (key_order != plan_.descending) std::reverse(in_order.begin(), in_order.end());
  return in_order;
}

// In the order of SQL's numbers.
std::vector<KeyRange> Scan::parts() const {
  const auto& node = selection_.node;
  std::vector<KeyRange> parts;
  const auto add = [&](std::int64_t lo, std::int64_t hi) {
    if (lo > hi) return;
    const KeyRange range{{static_cast<NodeId>(lo), 0},
                         {static_cast<NodeId>(hi), kLastKey.property_hash}};
    const auto both = intersection(range, selection_.keys);
    if (!both.empty()) parts.push_back(both);
  };
  add(node.lo, std::min<std::int64_t>(node.hi, -1));
  add(std::max<std::int64_t>(node.lo, 0), node.hi);
  return parts;
}

void Scan::choose_stages() {
  const bool by_value = is_by_value(plan_.order);
  const bool nodes = selection_.node_list && selection_.node_list->size() > 1;
  const bool properties = selection_.property_list && selection_.property_list->size() > 1;
  if (plan_.source_descending) {
    check_lists_ = true;
    auto queries = by_source(base_query());
    if (*plan_.source_descending) std::reverse(queries.begin(), queries.end());
    for (const auto& query : queries) add_stages({query});
  } else if (selection_.key_list || (nodes && by_value)) {
    check_lists_ = true;
    add_stages({base_query()});
  } else if (nodes) {
    check_lists_ = properties;
    choose_nodes();
  } else if (properties) {
    choose_properties();
  } else if (__builtin_popcount(selection_.sources) <= kSourceQueriesMax) {
    add_stages(by_source(base_query()));
  } else {
    add_stages({base_query()});
  }
}

// What the queries find, range by range: merged where the plan has an order.
void Scan::add_stages(const std::vector<Query>& queries) {
  for (const auto& range : ranges()) {
    Stage merged;
    for (auto query : queries) {
      if (plan_.node_behind && !query.node) {
        for (const auto& part : parts()) {
          merged.push_back({query, part, true});
          restrict(merged.back().query, part);
        }
        continue;
      }
      restrict(query, range);
      merged.push_back({std::move(query), range});
      if (plan_.order == RowOrder::any) stages_.push_back(std::exchange(merged, {}));
    }
    if (!merged.empty()) stages_.push_back(std::move(merged));
  }
}

std::vector<Query> Scan::by_source(const Query& query) const {
  std::vector<Query> queries;
  for (const auto source : kSourcesByName) {
    if (!has(selection_.sources, source)) continue;
    queries.push_back(query);
    queries.back().source = source;
  }
  return queries;
}

// One node after the other: its records lie together.
void Scan::choose_nodes() {
  auto list = *selection_.node_list;
  if (plan_.order == RowOrder::node) std::sort(list.begin(), list.end(), signed_before);
  if (plan_.descending) std::reverse(list.begin(), list.end());
  auto query = base_query();
  for (const auto node : list) {
    query.node = node;
    stages_.push_back({{query, KeyRange{}}});
  }
}

void Scan::choose_properties() {
  const auto& list = *selection_.property_list;
  std::vector<Query> queries;
  check_lists_ = plan_.order != RowOrder::any && list.size() > kMergeMax;
  for (const auto property : list) {
    queries.push_back(base_query());
    if (check_lists_) break;
    queries.back().property = property;
  }
  add_stages(queries);
}

// --- Reading -------------------------------------------------------------------------------------

SqlResult<void> Scan::next() {
  CAVEAT_ASSIGN(row_, next_row());
  ended_ = row_ == nullptr;
  return {};
}

SqlResult<const ExceptionView*> Scan::row() {
  if (!counted_) return row_;
  counted_.reset();
  choose();
  for (; passed_ > 0; --passed_) {
    CAVEAT_ASSIGN(row_, next_row());
    if (row_ == nullptr) return sql_fail(SQLITE_INTERNAL, "caveat: fewer rows than were counted");
  }
  return row_;
}

SqlResult<const ExceptionView*> Scan::next_row() {
  if (counted_) {
    if (*counted_ == 0) return nullptr;
    --*counted_;
    ++passed_;
    return &nothing_;
  }
  return points_ ? next_point() : next_of_stage();
}

SqlResult<const ExceptionView*> Scan::next_point() {
  while (point_ < points_->size()) {
    const auto& key = (*points_)[point_++];
    const ExceptionView* found = nullptr;
    const auto* entry = view_.pending ? view_.pending->find(key, view_.pending_by) : nullptr;
    if (entry != nullptr) {
      if (entry->row == nullptr) continue;
      pending_row_ = entry->row;
      pending_view_ = pending_row_->view(key);
      found = &pending_view_;
    } else {
      CAVEAT_ASSIGN(pinned_, session_.store()->retrieve_view(key, &view_.snapshot));
      if (!pinned_) continue;
      found = &**pinned_;
    }
    if (selection_.matches(*found)) return found;
  }
  return nullptr;
}

SqlResult<void> Scan::start_stage() {
  heads_.clear();
  for (const auto& part : stages_[stage_]) {
    auto stream = std::make_unique<RowStream>(view_, selection_, part, check_lists_);
    CAVEAT_TRY(stream->start(session_.store(), wanted_));
    CAVEAT_ASSIGN(const auto* row, stream->next());
    if (row != nullptr) heads_.push_back({std::move(stream), row});
  }
  stage_open_ = true;
  return {};
}

SqlResult<const ExceptionView*> Scan::next_of_stage() {
  if (stage_open_) {
    auto& shown = heads_[shown_];
    CAVEAT_ASSIGN(shown.row, shown.stream->next());
    if (shown.row == nullptr) heads_.erase(heads_.begin() + static_cast<std::ptrdiff_t>(shown_));
  }
  for (;;) {
    if (!heads_.empty()) break;
    if (stage_open_) ++stage_;
    stage_open_ = false;
    if (stage_ >= stages_.size()) return nullptr;
    CAVEAT_TRY(start_stage());
  }
  shown_ = 0;
  for (std::size_t i = 1; i < heads_.size(); ++i) {
    if (heads_[i].stream->before(*heads_[i].row, *heads_[shown_].row)) shown_ = i;
  }
  return heads_[shown_].row;
}

}  // namespace caveat::sqlite
