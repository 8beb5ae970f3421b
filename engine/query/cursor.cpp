#include <utility>

#include "engine/query/cursor_impl.h"

namespace caveat {

Result<std::unique_ptr<Cursor::Impl>> Cursor::Impl::open(const QueryContext& context,
                                                         std::shared_ptr<const ReadView> view,
                                                         const Query& query,
                                                         std::size_t gather_max) {
  CAVEAT_ASSIGN(auto opening, detail::open_query(context, *view, query));
  std::unique_ptr<Impl> impl(new Impl(context, std::move(view)));
  impl->order_ = query.order;
  impl->fingerprint_ = opening.fingerprint;
  impl->start_ = opening.after;
  impl->left_ = query.limit;
  if (const auto index = opening.plan.sole_index) {
    context.counters.indexes[*index].add_gone(opening.plan.gone);
  }
  if (query.order != QueryOrder::key) {
    CAVEAT_TRY(impl->start_values(opening, query, gather_max));
    return impl;
  }
  detail::KeyStream::Start start;
  start.positions = opening.plan.positions;
  start.descending = query.descending;
  start.after = opening.after_key();
  start.sole_index = opening.plan.sole_index;
  start.limit = query.limit;
  impl->keys_ = std::make_unique<detail::KeyStream>(impl->context_, *impl->view_,
                                                    opening.conditions, std::move(start));
  return impl;
}

Result<void> Cursor::Impl::start_values(detail::Opening& opening, const Query& query,
                                        std::size_t gather_max) {
  const bool descending = query.descending;
  detail::WindowCutter::Order order{
      query.order, descending,
      detail::ascending(opening.conditions.value_range(query.order), descending)};
  if (opening.after && !order.values.empty()) {
    const auto after = detail::ascending(*opening.after, descending);
    order.values.lo = std::max(order.values.lo, after.value);
  }
  detail::WindowCutter windows(opening.plan, order);
  if (detail::uses_windows(opening, *view_->version, query.order, gather_max)) {
    CAVEAT_ASSIGN(windows, detail::WindowCutter::by_index(context_, *view_->version, opening.plan,
                                                          order, query.limit));
  }
  detail::ValueStream::Start start;
  start.order = query.order;
  start.descending = descending;
  start.after = opening.after;
  start.limit = query.limit;
  start.gather_max = gather_max;
  values_ = std::make_unique<detail::ValueStream>(context_, *view_, opening.conditions,
                                                  std::move(windows), start);
  return {};
}

Result<const ExceptionView*> Cursor::Impl::next() {
  if (error_) return fail(*error_);
  if (ended_ || left_ == 0) return nullptr;
  ExceptionView& result = results_[1 - current_];
  auto more = keys_ ? keys_->next(result) : values_->next(result);
  if (!more) {
    error_ = more.error();
    return fail(std::move(more).error());
  }
  if (!*more) {
    ended_ = true;
    return nullptr;
  }
  current_ = 1 - current_;
  shown_ = true;
  --left_;
  return &result;
}

bool Cursor::Impl::skip_damage() {
  if (!error_ || error_->code() != ErrorCode::corruption || !keys_) return false;
  keys_->skip_damage();
  error_.reset();
  return true;
}

std::string Cursor::Impl::resume_token() const {
  if (!shown_) return detail::encode_resume_token(fingerprint_, start_);
  const ExceptionView& last = results_[current_];
  detail::SortPosition position{0, last.key};
  if (order_ == QueryOrder::confidence) position.value = detail::sort_value(last.confidence);
  if (order_ == QueryOrder::time) position.value = detail::sort_value(last.created_at);
  return detail::encode_resume_token(fingerprint_, position);
}

Cursor::Cursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;
Result<const ExceptionView*> Cursor::next() {
  return impl_->next();
}
bool Cursor::skip_damage() {
  return impl_->skip_damage();
}
std::string Cursor::resume_token() const {
  return impl_->resume_token();
}

Result<Cursor> open_cursor(const QueryContext& context, std::shared_ptr<const ReadView> view,
                           const Query& query) {
  CAVEAT_ASSIGN(auto impl, Cursor::Impl::open(context, std::move(view), query));
  return Cursor(std::move(impl));
}

Result<std::vector<ExceptionRecord>> collect_matches(const QueryContext& context,
                                                     const ReadView& view, const Query& query) {
  // The cursor lives no longer than the caller's view: nothing to own.
  std::shared_ptr<const ReadView> borrowed(std::shared_ptr<const void>(), &view);
  CAVEAT_ASSIGN(auto cursor, open_cursor(context, std::move(borrowed), query));
  std::vector<ExceptionRecord> records;
  for (;;) {
    CAVEAT_ASSIGN(const ExceptionView* const record, cursor.next());
    if (record == nullptr) return records;
    records.push_back(record->to_record());
  }
}

}  // namespace caveat
