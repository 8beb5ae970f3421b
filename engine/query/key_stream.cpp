#include "engine/query/key_stream.h"

#include <algorithm>
#include <utility>

namespace caveat::detail {
namespace {

constexpr std::size_t kBatchPartitionsMax = 16;
// Where more than one row in this many is to be shown, inflating the block as a whole is cheaper
// than one record after the other.
constexpr std::size_t kWholeColumnsShare = 4;
// Whoever wants many results gets several partitions from the start.
constexpr std::size_t kManyWanted = 256;
constexpr std::size_t kFirstBatchOfMany = 4;
// Texts of so many results are fetched ahead. In the order of keys, rows lie mixed within a node.
constexpr std::size_t kRecordsAhead = 4;
// A guess, for queries that end by their limit.
constexpr std::size_t kResultsInPartition = 8;
// Up to about so many recent rows are gathered in one go; more, batch by batch. Few where few
// results are wanted.
constexpr std::size_t kDeltaAtOnceMin = 1024;
constexpr std::size_t kDeltaAtOnceMax = 65536;
// What rows that were read together may leave behind.
constexpr std::size_t kRoomKept = std::size_t{64} << 10;

}  // namespace

KeyStream::KeyStream(const QueryContext& context, const ReadView& view,
                     const Conditions& conditions, Start start)
    : context_(context),
      view_(view),
      matcher_(context, view, conditions),
      filter_(conditions.delta_filter()),
      descending_(start.descending),
      after_(start.after),
      sole_index_(start.sole_index),
      wanted_(start.limit),
      walk_(std::move(start.positions), descending_, after_ ? &*after_ : nullptr),
      use_(context.cache_use(std::min(walk_.left(), wanted_ / kResultsInPartition + 1))),
      selective_(!conditions.none_but_nodes()),
      form_(selective_ ? BlockForm::keys : BlockForm::columns),
      batch_size_(wanted_ >= kManyWanted ? kFirstBatchOfMany : 1),
      stretch_end_(after_),
      delta_ended_(conditions.impossible || !view.delta().any_rows()) {
  if (delta_ended_) return;
  const auto bound = std::clamp(wanted_, kDeltaAtOnceMin, kDeltaAtOnceMax);
  delta_at_once_ = view.delta().estimate(filter_) <= bound;
  if (!delta_at_once_) return;
  select_delta(std::nullopt);
}

Result<bool> KeyStream::next(ExceptionView& out) {
  for (;;) {
    const bool row = match_ < matches_.size();
    const bool recent = delta_at_ < delta_.size();
    if (row && (!recent || before(matches_[match_].key, delta_[delta_at_]->key))) {
      CAVEAT_TRY(emit_row(out));
      return true;
    }
    // Without a row in hand, later partitions may still hold rows that come first: those of the
    // batch, and of later batches too where the delta rows are not cut by batch.
    const bool last = entered_ == images_.size() && (!delta_at_once_ || !more_partitions());
    if (recent && (row || last)) {
      out = delta_[delta_at_++]->view();
      if (wanted_ > 0) --wanted_;
      return true;
    }
    CAVEAT_ASSIGN(const bool more, advance());
    if (!more) return false;
  }
}

Result<bool> KeyStream::advance() {
  if (entered_ < images_.size()) {
    CAVEAT_TRY(enter_partition());
    return true;
  }
  if (damage_) return fail(*damage_);
  if (more_partitions()) {
    CAVEAT_TRY(load_batch());
    return true;
  }
  if (delta_ended_) return false;
  select_delta(std::nullopt);
  delta_ended_ = true;
  return true;
}

Result<void> KeyStream::load_batch() {
  if (rest_.empty()) {
    walk_.take(batch_size_, positions_);
  } else {
    positions_ = std::exchange(rest_, {});
  }
  batch_size_ = std::min(batch_size_ * 2, kBatchPartitionsMax);
  loaded_ += positions_.size();
  if (loaded_ > context_.selective_partitions) use_ = CacheUse::scan;
  image_ = nullptr;
  matches_.clear();
  match_ = 0;
  images_.clear();
  entered_ = 0;
  auto loaded = context_.reader.load_many(*view_.version, positions_, use_, form_);
  if (loaded) {
    images_ = std::move(*loaded);
  } else if (loaded.error().code() == ErrorCode::corruption) {
    CAVEAT_TRY(load_until_damage());
  } else {
    return fail(loaded.error());
  }
  matcher_.look_ahead(images_);
  if (delta_ended_ || positions_.empty()) return {};
  const Directory& directory = *view_.version->directory;
  if (descending_) {
    select_delta(directory.at(positions_.front()).lower);
  } else {
    select_delta(directory.upper_bound(positions_.back()));
  }
  return {};
}

// One by one, to show what is before the partition that cannot be read.
Result<void> KeyStream::load_until_damage() {
  std::vector<Directory::Position> all = std::exchange(positions_, {});
  if (descending_) std::reverse(all.begin(), all.end());
  std::size_t at = 0;
  for (; at < all.size() && !damage_; ++at) {
    auto image = context_.reader.load(*view_.version, all[at], use_, form_);
    if (image) {
      positions_.push_back(all[at]);
      images_.push_back(std::move(*image));
    } else if (image.error().code() == ErrorCode::corruption) {
      damage_ = image.error();
    } else {
      return fail(image.error());
    }
  }
  rest_.assign(all.begin() + static_cast<std::ptrdiff_t>(at), all.end());
  if (!descending_) return {};
  std::reverse(positions_.begin(), positions_.end());
  std::reverse(images_.begin(), images_.end());
  std::reverse(rest_.begin(), rest_.end());
  return {};
}

void KeyStream::skip_damage() {
  if (damage_) {  // before it was entered
    damage_.reset();
    return;
  }
  matches_.clear();
  match_ = 0;
}

// Delta rows from where the last stretch ended to `end` (nothing: all the rest).
void KeyStream::select_delta(const std::optional<ExceptionKey>& end) {
  DeltaFilter stretch = filter_;
  if (descending_) {
    if (stretch_end_) stretch.below(*stretch_end_);
    if (end) stretch.from(*end);
    // The very first key has nothing before it.
    if (!end || *end == ExceptionKey{}) delta_ended_ = true;
  } else {
    if (stretch_end_) stretch.from(*stretch_end_);
    if (end) stretch.below(*end);
    if (!end) delta_ended_ = true;
  }
  stretch_end_ = end;
  delta_ = view_.delta().select(stretch);
  delta_at_ = 0;
  if (descending_) std::reverse(delta_.begin(), delta_.end());
  if (after_) {
    while (delta_at_ < delta_.size() && !before(*after_, delta_[delta_at_]->key)) ++delta_at_;
  }
}

Result<void> KeyStream::enter_partition() {
  const std::size_t place = descending_ ? images_.size() - 1 - entered_ : entered_;
  image_ = images_[place].get();
  if (entered_ > 0) images_[descending_ ? place + 1 : place - 1].reset();
  ++entered_;
  match_ = 0;
  CAVEAT_TRY(matcher_.match(*image_, matches_));
  if (sole_index_) {
    context_.counters.indexes[*sole_index_].add_partition(image_->row_limit(), matches_.size(),
                                                          matcher_.held_match());
  }
  if (descending_) std::reverse(matches_.begin(), matches_.end());
  if (after_) skip_passed();

  const std::size_t shown = std::min(matches_.size() - match_, wanted_);
  // Whatever throws for want of memory leaves an image here, and rows that are read one by one.
  whole_columns_ = false;
  together_at_ = together_end_ = 0;
  if (image_->base() != nullptr) CAVEAT_TRY(prepare_rows(place, shown));
  // What was just inflated is in the processor's caches.
  fetch_ahead_ = image_->base() != nullptr && use_ != CacheUse::scan;
  for (std::size_t i = 0; i < kRecordsAhead; ++i) fetch(match_ + i);
  return {};
}

Result<void> KeyStream::prepare_rows(std::size_t place, std::size_t shown) {
  const bool many = shown * kWholeColumnsShare >= image_->base()->row_count();
  // Partitions of a query are most often alike.
  if (selective_) form_ = many ? BlockForm::columns : BlockForm::keys;
  if (image_->keys_alone() && shown > 0) {
    if (many) {
      CAVEAT_ASSIGN(images_[place], context_.reader.with_columns(*view_.version, positions_[place],
                                                                 images_[place], use_));
    } else if (auto earned = context_.reader.note_rows_read(*view_.version, positions_[place],
                                                            images_[place], use_)) {
      images_[place] = std::move(earned);
    } else if (shown > 1) {
      read_together(shown);
    }
  }
  image_ = images_[place].get();
  if (image_->keys_alone()) return {};
  if (many) {
    CAVEAT_TRY(image_->load(kAllColumns));
    whole_columns_ = true;
  } else {
    image_->base()->expect_reads(shown);
  }
  return {};
}

// Damage of one of them is told when that one is read by itself.
void KeyStream::read_together(std::size_t shown) {
  together_rows_.clear();
  for (std::size_t i = match_; i < match_ + shown; ++i)
    if (!matches_[i].row.in_run()) together_rows_.push_back(matches_[i].row.index());
  together_.resize(together_rows_.size());
  together_room_.keep_at_most(kRoomKept);
  if (image_->base()->materialise(together_rows_, together_, together_room_))
    together_end_ = together_.size();
}

void KeyStream::fetch(std::size_t match) const noexcept {
  if (!fetch_ahead_ || match >= matches_.size() || matches_[match].row.in_run()) return;
  image_->base()->prefetch_record(matches_[match].row.index());
}

// Only the first partition holds keys that were shown before.
void KeyStream::skip_passed() {
  while (match_ < matches_.size() && !before(*after_, matches_[match_].key)) ++match_;
  if (match_ < matches_.size()) after_.reset();
}

Result<void> KeyStream::emit_row(ExceptionView& out) {
  const Match& match = matches_[match_++];
  fetch(match_ + kRecordsAhead - 1);
  if (wanted_ > 0) --wanted_;
  if (match.row.in_run()) return image_->materialise(match.row, out, room_);
  const DecodedBlock& base = *image_->base();
  if (together_at_ < together_end_) {
    out = together_[together_at_++];
  } else if (whole_columns_) {
    base.view(match.row.index(), out, room_);
  } else {
    auto read = base.materialise(match.row.index(), out, room_);
    if (!read) return image_->at_fault(read.error());
  }
  out.key.property_hash = match.key.property_hash;
  return {};
}

}  // namespace caveat::detail
