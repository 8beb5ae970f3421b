#include <new>
#include <utility>

#include "engine/query/cursor_impl.h"

namespace caveat {

Cursor::Impl::Impl(const QueryContext& context, std::shared_ptr<const ReadView> view,
                   const Query& query, std::size_t gather_max)
    : context_(context),
      view_(std::move(view)),
      query_(query),
      gather_max_(gather_max),
      left_(query.limit) {
  query_.resume_token.clear();
}

Result<std::unique_ptr<Cursor::Impl>> Cursor::Impl::open(const QueryContext& context,
                                                         std::shared_ptr<const ReadView> view,
                                                         const Query& query,
                                                         std::size_t gather_max) {
  CAVEAT_ASSIGN(auto opening, detail::open_query(context, *view, query));
  std::unique_ptr<Impl> impl(new Impl(context, std::move(view), query, gather_max));
  impl->fingerprint_ = opening.fingerprint;
  impl->start_ = opening.after;
  if (const auto index = opening.plan.sole_index) {
    context.counters.indexes[*index].add_gone(opening.plan.gone);
  }
  CAVEAT_TRY(impl->start(std::move(opening)));
  return impl;
}

Result<void> Cursor::Impl::start(detail::Opening opening) {
  if (query_.order != QueryOrder::key) return start_values(opening);
  detail::KeyStream::Start start;
  start.positions = opening.plan.positions;
  start.descending = query_.descending;
  start.after = opening.after_key();
  start.sole_index = opening.plan.sole_index;
  start.limit = left_;
  keys_ =
      std::make_unique<detail::KeyStream>(context_, *view_, opening.conditions, std::move(start));
  return {};
}

Result<void> Cursor::Impl::start_values(detail::Opening& opening) {
  const bool descending = query_.descending;
  detail::WindowCutter::Order order{
      query_.order, descending,
      detail::ascending(opening.conditions.value_range(query_.order), descending)};
  if (opening.after && !order.values.empty()) {
    const auto after = detail::ascending(*opening.after, descending);
    order.values.lo = std::max(order.values.lo, after.value);
  }
  detail::WindowCutter windows(opening.plan, order);
  if (detail::uses_windows(opening, *view_->version, query_.order, gather_max_)) {
    CAVEAT_ASSIGN(windows, detail::WindowCutter::by_index(context_, *view_->version, opening.plan,
                                                          order, left_));
  }
  detail::ValueStream::Start start;
  start.order = query_.order;
  start.descending = descending;
  start.after = opening.after;
  start.limit = left_;
  start.gather_max = gather_max_;
  values_ = std::make_unique<detail::ValueStream>(context_, *view_, opening.conditions,
                                                  std::move(windows), start);
  return {};
}

// The view is the same, and so are the results behind the last one.
Result<void> Cursor::Impl::start_again() {
  CAVEAT_ASSIGN(auto opening, detail::open_query(context_, *view_, query_));
  opening.after = position();
  return start(std::move(opening));
}

Result<bool> Cursor::Impl::stream_next(ExceptionView& out) {
  if (!keys_ && !values_) CAVEAT_TRY(start_again());
  return keys_ ? keys_->next(out) : values_->next(out);
}

Result<const ExceptionView*> Cursor::Impl::next() {
  if (error_) return fail(*error_);
  if (ended_ || left_ == 0) return nullptr;
  ExceptionView& result = results_[1 - current_];
  try {
    const auto more = stream_next(result);
    if (!more) {
      error_ = more.error();
      return fail(*error_);
    }
    ended_ = !*more;
  } catch (const std::bad_alloc&) {
    // The stream may have passed results, or hold rows that it has not compared.
    error_.reset();
    keys_.reset();
    values_.reset();
    throw;
  }
  if (ended_) return nullptr;
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

std::optional<detail::SortPosition> Cursor::Impl::position() const {
  if (!shown_) return start_;
  const ExceptionView& last = results_[current_];
  detail::SortPosition position{0, last.key};
  if (query_.order == QueryOrder::confidence) position.value = detail::sort_value(last.confidence);
  if (query_.order == QueryOrder::time) position.value = detail::sort_value(last.created_at);
  return position;
}

std::string Cursor::Impl::resume_token() const {
  return detail::encode_resume_token(fingerprint_, position());
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
