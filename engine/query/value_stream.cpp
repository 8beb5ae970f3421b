#include "engine/query/value_stream.h"

#include <algorithm>
#include <utility>

#include "pool/invariant.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kBatchPartitionsMax = 16;
// Images that stay from gathering to showing, if they are no larger than a batch may be;
// where there are more, all are let go and loaded again as their results come up.
constexpr std::size_t kKeptImagesMax = 64;
constexpr std::size_t kLoadSizeMin = 16;  // results whose images are loaded together
constexpr std::size_t kLoadSizeMax = 256;

ColumnMask column_of(QueryOrder order) noexcept {
  return mask_of(order == QueryOrder::confidence ? BlockColumn::confidence
                                                 : BlockColumn::created_at);
}

}  // namespace

ValueStream::ValueStream(const QueryContext& context, const ReadView& view,
                         const Conditions& conditions, WindowCutter windows, const Start& start)
    : context_(context),
      view_(view),
      conditions_(conditions),
      windows_(std::move(windows)),
      order_(start.order),
      descending_(start.descending),
      left_(start.limit),
      gather_max_(start.gather_max),
      matcher_(context, view, conditions) {
  CAVEAT_ASSERT(order_ != QueryOrder::key && gather_max_ > 0);
  matcher_.want(column_of(order_));
  if (start.after) after_ = ascending(*start.after, descending_);
}

Result<bool> ValueStream::next(ExceptionView& out) {
  while (left_ > 0) {
    if (tie_) {
      CAVEAT_ASSIGN(const bool more, tie_->next(out));
      if (more) {
        --left_;
        return true;
      }
      tie_.reset();
    }
    if (shown_ < found_.size()) {
      if (shown_ == loaded_end_) CAVEAT_TRY(load_images());
      const Found& found = found_[shown_++];
      --left_;
      if (found.place == kRecent) {
        out = delta_[found.row]->view();
      } else {
        CAVEAT_TRY(image_of(found.place).materialise(PartitionImage::Row{found.row}, out, room_));
      }
      return true;
    }
    CAVEAT_ASSIGN(const bool more, refill());
    if (!more) return false;
  }
  return false;
}

// Makes results or a tie ready; false at the end.
Result<bool> ValueStream::refill() {
  if (std::exchange(tie_follows_, false)) {
    const SortPosition last = found_.back().at;
    found_.clear();
    shown_ = 0;
    begin_tie(last.value, ascending(last, descending_).key);
    return true;
  }
  if (!window_) {
    CAVEAT_ASSIGN(window_, windows_.next());
    if (!window_) return false;
    if (after_ && after_->value == window_->values.lo) {
      // Of the value where an earlier cursor stopped, only what is behind its key.
      begin_tie(after_->value, ascending(*after_, descending_).key);
      after_.reset();
      return true;
    }
  }
  CAVEAT_TRY(gather());
  return true;
}

void ValueStream::begin_tie(SortValue value, const ExceptionKey& key) {
  Conditions exact = conditions_;
  exact.set_value_range(order_, ascending(ValueRange{value, value}, descending_));
  KeyStream::Start start;
  start.positions = window_->positions;
  start.descending = descending_;
  start.after = key;
  start.limit = left_;
  tie_ = std::make_unique<KeyStream>(context_, view_, exact, std::move(start));
  pass_value(value);
}

void ValueStream::pass_value(SortValue value) noexcept {
  if (value >= window_->values.hi) {
    window_.reset();
  } else {
    window_->values.lo = value + 1;
  }
}

Result<void> ValueStream::gather() {
  found_.clear();
  shown_ = 0;
  loaded_.clear();
  loaded_end_ = 0;
  load_size_ = kLoadSizeMin;
  places_.clear();
  kept_bytes_ = 0;
  worst_.reset();
  overflowed_ = false;
  gather_ = std::min(left_, gather_max_);
  matcher_.conditions().set_value_range(order_, ascending(window_->values, descending_));
  gather_delta();
  CAVEAT_TRY(gather_partitions());
  finish_gathering();
  return {};
}

void ValueStream::gather_delta() {
  delta_ = view_.delta().select(matcher_.conditions().delta_filter());
  for (std::size_t i = 0; i < delta_.size(); ++i) {
    const DeltaRow& row = *delta_[i];
    const SortValue value =
        order_ == QueryOrder::confidence ? sort_value(row.confidence) : sort_value(row.created_at);
    found_.push_back({position_of(value, row.key), kRecent, static_cast<std::uint32_t>(i)});
    if (found_.size() / 2 >= gather_) trim();
  }
}

Result<void> ValueStream::gather_partitions() {
  PositionWalk walk(window_->positions, descending_, nullptr);
  const CacheUse use = context_.cache_use(walk.left());
  std::vector<Directory::Position> batch;
  std::size_t size = 1;
  while (walk.left() > 0) {
    walk.take(size, batch);
    size = std::min(size * 2, kBatchPartitionsMax);
    // Partitions come in the order of ties: once one cannot improve, none behind it can.
    if (!can_improve(descending_ ? batch.back() : batch.front())) return {};
    CAVEAT_ASSIGN(auto images, context_.reader.load_many(*view_.version, batch, use));
    if (descending_) {
      std::reverse(batch.begin(), batch.end());
      std::reverse(images.begin(), images.end());
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!can_improve(batch[i])) return {};
      CAVEAT_TRY(gather_partition(std::move(images[i]), batch[i]));
    }
  }
  return {};
}

// Could a row of the partition come before the worst of those that are kept?
bool ValueStream::can_improve(Directory::Position position) const noexcept {
  if (!worst_) return true;
  const Directory& directory = *view_.version->directory;
  SortPosition best{window_->values.lo, {}};  // in ascending terms; its key at most the least one
  if (!descending_) {
    best.key = directory.at(position).lower;
  } else if (const auto upper = directory.upper_bound(position)) {
    best.key = {~upper->node_id, ~upper->property_hash};
  }
  return best < *worst_;
}

Result<void> ValueStream::gather_partition(std::shared_ptr<const PartitionImage> image,
                                           Directory::Position position) {
  CAVEAT_TRY(matcher_.match(*image, matches_));
  if (matches_.empty()) return {};
  const auto place = static_cast<std::uint32_t>(places_.size());
  bool kept = false;
  for (const Match& match : matches_) {
    const SortValue value = order_ == QueryOrder::confidence
                                ? sort_value(image->confidence(match.row))
                                : sort_value(image->created_at(match.row));
    const SortPosition at = position_of(value, match.key);
    if (worst_ && !(at < *worst_)) continue;
    found_.push_back({at, place, match.row.value});
    kept = true;
    if (found_.size() / 2 >= gather_) trim();
  }
  if (!kept) return {};
  places_.push_back(position);
  kept_bytes_ += view_.version->directory->at(position).bytes;
  if (places_.size() <= kKeptImagesMax && (places_.size() == 1 || kept_bytes_ <= kBatchBytesMax)) {
    loaded_.push_back({place, std::move(image)});
  } else {
    loaded_.clear();
  }
  return {};
}

// Keeps the best gather_ results. From now on rows that are no better are not worth a key.
void ValueStream::trim() {
  if (found_.size() <= gather_) return;
  const auto last = found_.begin() + static_cast<std::ptrdiff_t>(gather_) - 1;
  std::nth_element(found_.begin(), last, found_.end(),
                   [](const Found& a, const Found& b) { return a.at < b.at; });
  found_.resize(gather_);
  worst_ = found_.back().at;
  overflowed_ = true;
  const ValueRange better{window_->values.lo, worst_->value};
  matcher_.conditions().set_value_range(order_, ascending(better, descending_));
}

// Says where the next pass begins, or that the window is done with.
void ValueStream::finish_gathering() {
  trim();
  std::sort(found_.begin(), found_.end(),
            [](const Found& a, const Found& b) { return a.at < b.at; });
  if (!overflowed_) {
    window_.reset();
    return;
  }
  if (gather_ == left_) return;  // the limit ends it: there is no next pass
  const SortValue last = found_.back().at.value;
  if (found_.front().at.value == last) {
    tie_follows_ = true;
    return;
  }
  // Some of the last value may be missing: it is left to the next pass as a whole.
  while (found_.back().at.value == last) found_.pop_back();
  window_->values.lo = last;
}

// Images of the next few results, in one read; those at hand stay.
Result<void> ValueStream::load_images() {
  const bool all_kept = loaded_.size() == places_.size();
  if (all_kept) {
    loaded_end_ = found_.size();
    return {};
  }
  const std::size_t end = std::min(found_.size(), shown_ + load_size_);
  load_size_ = std::min(load_size_ * 2, kLoadSizeMax);
  std::vector<std::uint32_t> needed;
  // (What lies in one partition counts again for each result: large ones have few.)
  std::size_t bytes = 0;
  for (loaded_end_ = shown_; loaded_end_ < end && bytes < kBatchBytesMax; ++loaded_end_) {
    const std::uint32_t place = found_[loaded_end_].place;
    if (place == kRecent) continue;
    needed.push_back(place);
    bytes += view_.version->directory->at(places_[place]).bytes;
  }
  std::sort(needed.begin(), needed.end());
  needed.erase(std::unique(needed.begin(), needed.end()), needed.end());

  std::vector<Loaded> next;
  std::vector<std::size_t> missing;  // indexes of next
  for (const std::uint32_t place : needed) {
    const auto at = std::lower_bound(loaded_.begin(), loaded_.end(), place,
                                     [](const Loaded& l, std::uint32_t p) { return l.place < p; });
    const bool here = at != loaded_.end() && at->place == place;
    if (!here) missing.push_back(next.size());
    next.push_back({place, here ? at->image : nullptr});
  }
  if (descending_) std::reverse(missing.begin(), missing.end());  // then places are in key order
  std::vector<Directory::Position> positions;
  positions.reserve(missing.size());
  for (const std::size_t i : missing) positions.push_back(places_[next[i].place]);
  if (!positions.empty()) {
    CAVEAT_ASSIGN(auto images, context_.reader.load_many(*view_.version, positions,
                                                         context_.cache_use(places_.size())));
    for (std::size_t i = 0; i < missing.size(); ++i) next[missing[i]].image = std::move(images[i]);
  }
  loaded_ = std::move(next);
  return {};
}

const PartitionImage& ValueStream::image_of(std::uint32_t place) const noexcept {
  const auto at = std::lower_bound(loaded_.begin(), loaded_.end(), place,
                                   [](const Loaded& l, std::uint32_t p) { return l.place < p; });
  CAVEAT_ASSERT(at != loaded_.end() && at->place == place);
  return *at->image;
}

}  // namespace caveat::detail
