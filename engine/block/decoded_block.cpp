// Reading opened blocks.
#include <algorithm>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::kHalvesByNumber;
using detail::kLongText;

DecodedBlock::Parts::~Parts() {
  // The chunk counts itself; each piece of it would have been an allocation. One row's are not of a
  // chunk, and counting takes a lock.
  if (slab.parts != nullptr && pieces > 1) pool.chunks().count_avoided(pieces - 1);
}

DecodedBlock::~DecodedBlock() {
  if (parts_ != nullptr) parts_->~Parts();
}

namespace {

// A binary search waits for one cache line after another; asked for together, they come together.
// Only for the front of what is long: beyond some lines it costs more than it saves.
template <class T>
void ask_for(const T* first, std::size_t count) noexcept {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kLinesMax = 16;
  const auto* at = reinterpret_cast<const char*>(first);
  const std::size_t bytes = std::min(count * sizeof(T), kLinesMax * kLine);
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(at + i);
}

}  // namespace

std::pair<std::uint32_t, std::uint32_t> DecodedBlock::Keys::node_range(NodeId node) const noexcept {
  ask_for(nodes, node_count);
  ask_for(node_starts, node_count);
  const NodeId* base = nodes;
  for (std::size_t left = node_count; left > 1;) {
    const std::size_t half = left / 2;
    base = base[half] <= node ? base + half : base;  // a conditional move, no branch to mispredict
    left -= half;
  }
  const auto at = static_cast<std::size_t>(base - nodes);
  if (*base == node) return {node_starts[at], node_starts[at + 1]};
  const std::uint32_t where = node_starts[at + (*base < node ? 1 : 0)];
  return {where, where};
}

std::optional<std::uint32_t> DecodedBlock::Keys::find(NodeId node,
                                                      std::uint32_t property_id) const noexcept {
  const auto [first, last] = node_range(node);
  if (first == last) return std::nullopt;
  // Who finds a row reads it.
  if (rows != nullptr) ask_for(rows + first, std::min<std::size_t>(last - first, 8));
  const std::uint32_t* base = property_ids + first;
  for (std::size_t left = last - first; left > 1;) {
    const std::size_t half = left / 2;
    base = base[half] <= property_id ? base + half : base;
    left -= half;
  }
  if (*base != property_id) return std::nullopt;
  return static_cast<std::uint32_t>(base - property_ids);
}

void DecodedBlock::prefetch_property_ids() const noexcept {
  ask_for(keys_.property_ids, row_count_);
}

std::uint32_t DecodedBlock::search_node(std::uint32_t row) const noexcept {
  const std::uint32_t* const starts = keys_.node_starts;
  const std::uint32_t* const after = std::upper_bound(starts, starts + keys_.node_count, row);
  return static_cast<std::uint32_t>(after - starts - 1);
}

void DecodedBlock::prefetch_record(std::uint32_t row) const noexcept {
  if (form() == BlockForm::keys) return;
  const Row& v = keys_.rows[row];
  __builtin_prefetch(keys_.nodes + v.node);
  if (!loaded(kAllColumns)) return;
  if (v.length[0] != kLongText) __builtin_prefetch(text_ + v.offset[0]);
  if (v.length[1] != kLongText) __builtin_prefetch(text_ + v.offset[1]);
  if (in_halves_) {
    if (v.length[2] == kHalvesByNumber) return;
    __builtin_prefetch(text_ + v.offset[2]);
    __builtin_prefetch(text_ + v.tail);
  } else if (v.length[2] != kLongText) {
    __builtin_prefetch(reasons_ + v.offset[2]);
  }
}

RowFields<ExceptionSource> DecodedBlock::sources() const noexcept {
  CAVEAT_ASSERT(loaded(mask_of(BlockColumn::source)));
  return {&keys_.rows->source, row_count_};
}

RowFields<float> DecodedBlock::confidences() const noexcept {
  CAVEAT_ASSERT(loaded(mask_of(BlockColumn::confidence)));
  return {&keys_.rows->confidence, row_count_};
}

RowFields<std::int64_t> DecodedBlock::created_ats() const noexcept {
  CAVEAT_ASSERT(loaded(mask_of(BlockColumn::created_at)));
  return {&keys_.rows->created_at, row_count_};
}

Result<void> DecodedBlock::load_small(ColumnMask columns, const detail::RowShape& shape) const {
  Parts& p = *parts_;
  using Load = Result<void> (Parts::*)(const detail::RowShape&);
  static constexpr std::array<std::pair<BlockColumn, Load>, 3> kLoads = {{
      {BlockColumn::source, &Parts::load_sources},
      {BlockColumn::confidence, &Parts::load_confidences},
      {BlockColumn::created_at, &Parts::load_created_ats},
  }};
  for (const auto& [column, load] : kLoads) {
    if ((columns & mask_of(column)) == 0 || loaded(mask_of(column))) continue;
    CAVEAT_TRY((p.*load)(shape));
    loaded_.fetch_or(mask_of(column), std::memory_order_release);
  }
  return {};
}

Result<void> DecodedBlock::load_missing(ColumnMask columns) const {
  if (form() == BlockForm::keys)
    return fail(ErrorCode::invalid_argument, "the block was opened for its keys alone");
  Parts& p = *parts_;
  const std::lock_guard lock(p.mutex);
  const detail::RowShape shape = p.shape();
  CAVEAT_TRY(load_small(columns, shape));
  std::array<unsigned, 3> which{};
  std::size_t count = 0;
  ColumnMask values = 0;
  for (unsigned i = 0; i < which.size(); ++i) {
    const auto column = static_cast<BlockColumn>(static_cast<unsigned>(BlockColumn::inherited) + i);
    if ((columns & mask_of(column)) == 0 || loaded(mask_of(column))) continue;
    which[count++] = i;
    values |= mask_of(column);
  }
  if (count != 0) {
    CAVEAT_TRY(p.resolve_all(std::span(which).first(count), shape));
    loaded_.fetch_or(values, std::memory_order_release);
  }
  if (loaded(kAllColumns)) p.let_go_of_bytes();
  return {};
}

void DecodedBlock::set_key_order(std::span<const std::uint8_t> places) const noexcept {
  CAVEAT_ASSERT(places.size() == row_count_);
  if (form() == BlockForm::keys) return;
  const std::lock_guard lock(parts_->mutex);
  if (has_key_order()) return;
  for (std::size_t i = 0; i < places.size(); ++i) parts_->slab.rows[i].order = places[i];
  key_order_.store(true, std::memory_order_release);
}

std::string_view DecodedBlock::Parts::long_text(const Row& row, unsigned which) const noexcept {
  const std::uint32_t at = row.offset[which];
  return which == 2 && split ? slab.joined_apart[at] : text_of(at);
}

void DecodedBlock::fill(const Text& from, const Row& v, ExceptionView& out) const noexcept {
  const auto text = [&](unsigned which, const char* base) {
    if (v.length[which] == kLongText) [[unlikely]]
      return from.parts->long_text(v, which);
    return std::string_view(base + v.offset[which], v.length[which]);
  };
  out.key.node_id = keys_.nodes[v.node];
  out.inherited_value = ValueView(static_cast<ValueKind>(v.tags[0]), text(0, from.text));
  out.actual_value = ValueView(static_cast<ValueKind>(v.tags[1]), text(1, from.text));
  if (!in_halves_) out.reason = text(2, from.reasons);
  out.created_at = v.created_at;
  out.confidence = v.confidence;
  out.source = v.source;
}

DecodedBlock::Halves DecodedBlock::halves(const Text& from, const Row& v) {
  if (v.length[2] == kHalvesByNumber) [[unlikely]]
    return {from.parts->text_of(v.offset[2]), from.parts->text_of(v.tail)};
  return {{from.text + v.offset[2], static_cast<std::size_t>(v.length[2] >> 8)},
          {from.text + v.tail, static_cast<std::size_t>(v.length[2] & 0xFF)}};
}

// Two short copies. Where one half is all, that one itself.
std::string_view DecodedBlock::join(const Halves& reason, char* to) noexcept {
  const auto& [head, tail] = reason;
  if (head.empty() || tail.empty()) return tail.empty() ? head : tail;
  std::copy(head.begin(), head.end(), to);
  std::copy(tail.begin(), tail.end(), to + head.size());
  return {to, head.size() + tail.size()};
}

void DecodedBlock::join(const Text& from, const Row& v, ExceptionView& out, RowRoom& room) {
  const Halves reason = halves(from, v);
  const std::size_t bytes = joined_bytes(reason);
  out.reason = join(reason, bytes != 0 ? room.take(bytes) : nullptr);
}

ExceptionView DecodedBlock::view(std::uint32_t row) const noexcept {
  CAVEAT_ASSERT(row < row_count() && loaded(kAllColumns) && !in_halves_);
  ExceptionView view;
  fill(keys_.rows[row], view);
  return view;
}

Result<void> DecodedBlock::materialise(std::uint32_t row, ExceptionView& out) const {
  CAVEAT_ASSERT(!in_halves_);  // so that no room is needed
  return read(row, out, nullptr);
}

Result<void> DecodedBlock::materialise(std::uint32_t row, ExceptionView& out, RowRoom& room) const {
  return read(row, out, &room);
}

Result<void> DecodedBlock::read(std::uint32_t row, ExceptionView& out, RowRoom* room) const {
  if (row >= row_count_) [[unlikely]]
    return tl::make_unexpected(
        StorageError{ErrorCode::invalid_argument, "row is not in the block"});
  if (form() == BlockForm::keys) [[unlikely]]
    return read_alone(row, out, *room);
  if (!loaded(kAllColumns)) [[unlikely]]
    return read_cold(row, out, room);
  fill(keys_.rows[row], out);
  if (in_halves_) join(keys_.rows[row], out, *room);
  return {};
}

namespace {
// Decoding the numbers of all rows costs about what so many cost by themselves.
constexpr std::uint32_t kRowsByThemselves = 4;
}  // namespace

void DecodedBlock::expect_reads(std::size_t rows) const noexcept {
  if (rows < kRowsByThemselves || loaded(kAllColumns) || form() == BlockForm::keys) return;
  const std::lock_guard lock(parts_->mutex);
  parts_->reads = std::max(parts_->reads, kRowsByThemselves);
}

// A block that is read once is worth no more than the row. One that is read again has its numbers
// decoded; and it is soon read whole, as far as its strings are there already.
Result<void> DecodedBlock::read_cold(std::uint32_t row, ExceptionView& out, RowRoom* room) const {
  constexpr std::uint32_t kReadsToFinish = kRowsByThemselves + 2;
  constexpr ColumnMask kSmall = mask_of(BlockColumn::source) | mask_of(BlockColumn::confidence) |
                                mask_of(BlockColumn::created_at);
  constexpr ColumnMask kAllNumbered = 7;
  Parts& p = *parts_;
  const std::lock_guard lock(p.mutex);
  if (loaded(kAllColumns)) return read(row, out, room);  // by another thread, just now
  ++p.reads;
  if (p.reads <= kRowsByThemselves && p.numbered != kAllNumbered && (!p.split || p.keep_halves)) {
    Row alone;
    CAVEAT_TRY(p.read_row(place_of(row), alone));
    fill(alone, out);
    if (in_halves_) join(alone, out, *room);
    return {};
  }
  const detail::RowShape shape = p.shape();
  CAVEAT_TRY(load_small(kSmall, shape));
  for (unsigned which = 0; which < 3; ++which) {
    CAVEAT_TRY(p.load_numbers(which, shape));
    CAVEAT_TRY(p.resolve_row(which, row));
  }
  fill(keys_.rows[row], out);
  if (in_halves_) join(keys_.rows[row], out, *room);
  if (p.reads < kReadsToFinish || p.frames_left != 0 || p.unsound) return {};
  static constexpr std::array<unsigned, 3> kAll = {0, 1, 2};
  // What is wrong with other rows is told to who reads them.
  p.unsound = !p.resolve_all(kAll, {});
  if (p.unsound) return {};
  loaded_.store(kAllColumns, std::memory_order_release);
  p.let_go_of_bytes();
  return {};
}

}  // namespace caveat
