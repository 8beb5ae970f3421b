// Several rows, or a column, of a block that was opened for its keys alone: decoded for one reader,
// who brings the memory. The block is not changed and nothing is locked.
#include "engine/block/column_forms.h"

namespace caveat {
namespace {
// Decoding the numbers of all rows costs about what so many cost by themselves.
constexpr std::size_t kRowsByThemselves = 4;
}  // namespace

Result<void> DecodedBlock::materialise(std::span<const std::uint32_t> rows,
                                       std::span<ExceptionView> out, RowRoom& room) const {
  CAVEAT_ASSERT(rows.size() == out.size());
  if (form() != BlockForm::keys)
    return fail(ErrorCode::invalid_argument, "the block keeps what is decoded: read row by row");
  for (const std::uint32_t row : rows)
    if (row >= row_count_) return fail(ErrorCode::invalid_argument, "row is not in the block");

  Row* found = nullptr;
  const auto carve = [&](detail::Carver& carver) {
    found = carver.take<Row>(rows.size());
    return parts_->carve_row(carver);
  };
  detail::Carver sizing;
  static_cast<void>(carve(sizing));
  detail::Carver carver(room.work(sizing.bytes()));
  Parts parts(*parts_, carve(carver));
  if (rows.size() < kRowsByThemselves) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      CAVEAT_TRY(parts.read_row(place_of(rows[i]), found[i]));
  } else {
    CAVEAT_TRY(parts_->pick_rows(rows, parts_->shape(), found));
    std::size_t used = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) CAVEAT_TRY(parts.resolve_alone(found[i], used));
  }

  const Text text{parts.slab.text, parts.slab.text, &parts};
  std::size_t joined = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    fill(text, found[i], out[i]);
    if (in_halves_) joined += joined_bytes(halves(text, found[i]));
  }
  if (!in_halves_) return {};
  char* to = room.take(joined);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Halves reason = halves(text, found[i]);
    out[i].reason = join(reason, to);
    to += joined_bytes(reason);
  }
  return {};
}

Result<void> DecodedBlock::decode(ColumnMask columns, ColumnValues& out) const {
  if (form() != BlockForm::keys)
    return fail(ErrorCode::invalid_argument, "the block keeps what is decoded: load its columns");
  const detail::RowShape shape = parts_->shape();
  const auto copy = [&](const auto& column, auto& to) {
    to.resize(row_count_);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = column[i];
  };
  if ((columns & mask_of(BlockColumn::source)) != 0) {
    CAVEAT_ASSIGN(const auto column, parts_->sources(shape));
    copy(column, out.sources);
  }
  if ((columns & mask_of(BlockColumn::confidence)) != 0) {
    CAVEAT_ASSIGN(const auto column, parts_->confidences(shape));
    copy(column, out.confidences);
  }
  if ((columns & mask_of(BlockColumn::created_at)) != 0) {
    CAVEAT_ASSIGN(const auto column, parts_->created_ats(shape));
    copy(column, out.created_ats);
  }
  return {};
}

}  // namespace caveat
