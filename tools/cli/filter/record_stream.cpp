#include "tools/cli/filter/record_stream.h"

#include <xxhash.h>

#include <algorithm>

#include "engine/query/resume_token.h"
#include "tools/cli/filter/filter.h"

namespace caveat::cli {

RecordStream::RecordStream(const StorageOptimizer& store, const Selection& selection,
                           const Snapshot& snapshot)
    : store_(&store),
      selection_(selection),
      snapshot_(snapshot),
      names_(std::make_unique<PropertyNames>(store)),
      name_of_([names = names_.get()](PropertyHash property) -> const std::optional<std::string>& {
        return names->of(property);
      }),
      left_(selection.query.limit) {}

Result<RecordStream> RecordStream::open(const StorageOptimizer& store, const Selection& selection) {
  const auto snapshot = store.snapshot();
  if (!selection.filtered()) {
    SelectionPlan plan;
    plan.branches.push_back({selection.query, kAllNumbers});
    return open(store, selection, snapshot, plan);
  }
  CAVEAT_ASSIGN(const auto plan, plan_of(selection, store, snapshot));
  return open(store, selection, snapshot, plan);
}

Result<RecordStream> RecordStream::open(const StorageOptimizer& store, const Selection& selection,
                                        const Snapshot& snapshot, const SelectionPlan& plan) {
  RecordStream stream(store, selection, snapshot);
  stream.recheck_ = plan.recheck;
  const auto& asked = selection.query;
  if (!asked.resume_token.empty()) {
    CAVEAT_ASSIGN(stream.after_,
                  detail::decode_resume_token(asked.resume_token, stream.fingerprint()));
  }
  for (const auto& branch : plan.branches) {
    Source source;
    source.branch = branch;
    auto& query = source.branch.query;
    query.resume_token.clear();
    // One more than is shown tells whether the limit has cut anything off.
    const bool counted = !plan.recheck && asked.limit != 0 && asked.limit != Query().limit;
    query.limit = counted ? asked.limit + 1 : Query().limit;
    stream.sources_.push_back(std::move(source));
  }
  const auto earlier = [&](const Source& a, const Source& b) {
    return asked.descending ? a.branch.nodes.high > b.branch.nodes.high
                            : a.branch.nodes.low < b.branch.nodes.low;
  };
  std::stable_sort(stream.sources_.begin(), stream.sources_.end(), earlier);
  return stream;
}

// A token of a filter must not be taken for one of its query alone.
std::uint64_t RecordStream::fingerprint() const {
  const auto of_query = detail::query_fingerprint(selection_.query);
  if (!selection_.filtered()) return of_query;
  const auto text = to_text(selection_.condition);
  return XXH3_64bits_withSeed(text.data(), text.size(), of_query);
}

detail::SortPosition RecordStream::position_of(const ExceptionView& record) const {
  detail::SortPosition position{0, record.key};
  const auto order = selection_.query.order;
  if (order == QueryOrder::confidence) position.value = detail::sort_value(record.confidence);
  if (order == QueryOrder::time) position.value = detail::sort_value(record.created_at);
  return detail::ascending(position, selection_.query.descending);
}

// What is not open has nothing before its first node.
bool RecordStream::may_be_next(const Source& source, const Source* best) const {
  if (best == nullptr || selection_.query.order != QueryOrder::key) return true;
  const auto& nodes = source.branch.nodes;
  const auto at = best->head->key.node_id;
  return selection_.query.descending ? nodes.high >= at : nodes.low <= at;
}

Result<void> RecordStream::open_cursor(Source& source) {
  auto query = source.branch.query;
  if (after_) {
    query.resume_token = detail::encode_resume_token(detail::query_fingerprint(query), after_);
  }
  CAVEAT_ASSIGN(source.cursor, store_->query(query, &snapshot_));
  return {};
}

Result<void> RecordStream::fetch(Source& source) {
  if (!source.cursor) CAVEAT_TRY(open_cursor(source));
  auto record = source.cursor->next();
  if (!record) {
    return fail(std::move(record).error());
  }
  source.head = *record;
  source.waits = false;
  return {};
}

// The source with the first record; null at the end. Those at their end are dropped.
Result<RecordStream::Source*> RecordStream::first() {
  for (;;) {
    Source* best = nullptr;
    detail::SortPosition best_at;
    bool ended = false;
    for (auto& source : sources_) {
      if (source.waits) {
        if (!source.cursor && !may_be_next(source, best)) break;  // nor may those after it
        CAVEAT_TRY(fetch(source));
      }
      if (source.head == nullptr) {
        ended = true;
        continue;
      }
      const auto at = position_of(*source.head);
      if (best != nullptr && best_at <= at) continue;
      best = &source;
      best_at = at;
    }
    if (!ended) return best;
    std::erase_if(sources_, [](const Source& s) { return !s.waits && s.head == nullptr; });
  }
}

Result<const ExceptionView*> RecordStream::next_match() {
  for (;;) {
    CAVEAT_ASSIGN(auto* const source, first());
    if (source == nullptr) return nullptr;
    source->waits = true;
    const auto at = position_of(*source->head);
    if (seen_ && *seen_ == at) continue;  // of two branches
    seen_ = at;
    if (recheck_ && !matches(selection_.condition, *source->head, name_of_)) continue;
    return source->head;
  }
}

Result<const ExceptionView*> RecordStream::next() {
  if (left_ == 0) return nullptr;
  CAVEAT_ASSIGN(const auto* const record, next_match());
  if (record == nullptr) return nullptr;
  --left_;
  shown_ = seen_;
  return record;
}

bool RecordStream::skip_damage() {
  return sources_.size() == 1 && sources_[0].cursor && sources_[0].cursor->skip_damage();
}

std::string RecordStream::resume_token() const {
  auto position = after_;
  if (shown_) position = detail::ascending(*shown_, selection_.query.descending);
  return detail::encode_resume_token(fingerprint(), position);
}

Result<bool> RecordStream::cut_off() {
  if (left_ > 0 || !shown_) return false;
  CAVEAT_ASSIGN(const auto* const record, next_match());
  return record != nullptr;
}

}  // namespace caveat::cli
