#include "adapters/sqlite/row_stream.h"

#include <algorithm>
#include <limits>

#include "engine/query/resume_token.h"

namespace caveat::sqlite {
namespace {

constexpr std::uint64_t kFirstOfValues = 128;
constexpr std::size_t kManyOfValues = 8192;
constexpr std::size_t kGrowth = 16;

// The text that lets a query in the order of keys begin at a key (docs/format/resume_token.md).
std::string token_before(const Query& query, const KeyRange& range) {
  detail::SortPosition after;
  if (query.descending) {
    if (range.last == kLastKey) return {};
    after.key = range.last;
    if (++after.key.property_hash == 0) ++after.key.node_id;
  } else {
    if (range.first == kFirstKey) return {};
    after.key = range.first;
    if (after.key.property_hash-- == 0) --after.key.node_id;
  }
  return detail::encode_resume_token(detail::query_fingerprint(query), after);
}

}  // namespace

RowStream::RowStream(const Session::View& view, const Selection& selection, StreamPart part,
                     bool check_lists)
    : view_(view), selection_(selection), part_(std::move(part)), check_lists_(check_lists) {}

SqlResult<void> RowStream::start(SharedStore& store, std::uint64_t wanted) {
  store_ = &store;
  gather_pending();
  auto& query = part_.query;
  const std::uint64_t written = view_.pending ? view_.pending->rows().size() : 0;
  // An order of values gathers more at once the more is wanted, and SQLite does not say how much:
  // of max(created_at) it takes one row. So it begins small.
  if (query.order != QueryOrder::key) wanted = std::min(wanted, kFirstOfValues);
  if (wanted < query.limit - written) query.limit = wanted + written;
  if (query.order == QueryOrder::key && !part_.range.all()) {
    query.resume_token = token_before(query, part_.range);
  }
  cursor_left_ = query.limit;
  CAVEAT_ASSIGN(cursor_, store->query(query, &view_.snapshot));
  return {};
}

void RowStream::gather_pending() {
  if (!view_.pending) return;
  auto range = part_.range;
  if (part_.query.node) {
    range = {{*part_.query.node, 0}, {*part_.query.node, kLastKey.property_hash}};
  }
  const auto& rows = view_.pending->rows();
  for (auto it = rows.lower_bound(range.first); it != rows.end() && !(range.last < it->first);
       ++it) {
    const auto& [key, entry] = *it;
    if (entry.row == nullptr || entry.since > view_.pending_by) continue;
    if (selects(entry.row->view(key))) pending_.push_back({key, entry.row});
  }
  std::sort(pending_.begin(), pending_.end(), [this](const Pending& a, const Pending& b) {
    return before(a.row->view(a.key), b.row->view(b.key));
  });
}

bool RowStream::selects(const ExceptionView& record) const noexcept {
  const auto& query = part_.query;
  return (!query.node || *query.node == record.key.node_id) &&
         (!query.property || *query.property == record.key.property_hash) &&
         (!query.source || *query.source == record.source) && part_.range.holds(record.key) &&
         selection_.matches(record) && (!check_lists_ || selection_.lists_hold(record.key));
}

bool RowStream::before(const ExceptionView& a, const ExceptionView& b) const noexcept {
  const auto& query = part_.query;
  const auto& first = query.descending ? b : a;
  const auto& second = query.descending ? a : b;
  if (query.order == QueryOrder::confidence && first.confidence != second.confidence) {
    return first.confidence < second.confidence;
  }
  if (query.order == QueryOrder::time && first.created_at != second.created_at) {
    return first.created_at < second.created_at;
  }
  const auto node_of = [](const ExceptionView& record) {
    return static_cast<std::int64_t>(record.key.node_id);
  };
  if (part_.signed_nodes && node_of(first) != node_of(second)) {
    return node_of(first) < node_of(second);
  }
  return first.key < second.key;
}

SqlResult<const ExceptionView*> RowStream::next_stored() {
  if (cursor_left_ == 0) {  // more is wanted than was thought
    auto& query = part_.query;
    query.resume_token = cursor_->resume_token();
    query.limit = query.limit < kManyOfValues && query.order != QueryOrder::key
                      ? query.limit * kGrowth
                      : std::numeric_limits<std::size_t>::max();
    cursor_left_ = query.limit;
    CAVEAT_ASSIGN(cursor_, (*store_)->query(query, &view_.snapshot));
  }
  --cursor_left_;
  CAVEAT_ASSIGN(const auto* row, cursor_->next());
  return row;
}

SqlResult<void> RowStream::advance_stored() {
  stored_ready_ = true;
  while (!stored_ended_) {
    CAVEAT_ASSIGN(stored_, next_stored());
    if (stored_ == nullptr) break;
    if (part_.query.order == QueryOrder::key) {
      const auto& key = stored_->key;
      if (part_.query.descending ? key < part_.range.first : part_.range.last < key) break;
    }
    const bool rewritten =
        view_.pending && view_.pending->find(stored_->key, view_.pending_by) != nullptr;
    if (!rewritten && selects(*stored_)) return {};
  }
  stored_ended_ = true;
  stored_ = nullptr;
  return {};
}

SqlResult<const ExceptionView*> RowStream::next() {
  if (!stored_ready_) CAVEAT_TRY(advance_stored());
  if (pending_at_ < pending_.size()) {
    const auto& pending = pending_[pending_at_];
    pending_view_ = pending.row->view(pending.key);
    if (stored_ == nullptr || before(pending_view_, *stored_)) {
      ++pending_at_;
      return &pending_view_;
    }
  }
  stored_ready_ = false;  // looked at again when this one is done with
  return stored_;
}

}  // namespace caveat::sqlite
