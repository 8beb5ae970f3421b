// One row of a block that is not decoded: what a block is worth that is read once, and all that is
// ever read of one that is opened for its keys alone.
#include "engine/block/column_forms.h"

namespace caveat {

using detail::ByteReader;
using detail::corrupt_block;
using detail::ordinal;

detail::RowPlace DecodedBlock::place_of(std::uint32_t row) const noexcept {
  detail::RowPlace place;
  place.row = row;
  place.node = keys_.rows != nullptr ? keys_.rows[row].node : search_node(row);
  place.first_row_of_node = keys_.node_starts[place.node];
  place.node_count = keys_.node_count;
  const std::uint16_t* const numbers = parts_->slab.property_of_row;
  if (numbers != nullptr) place.property_of_row = {numbers, row_count_};
  place.property_count = parts_->property_count;
  return place;
}

DecodedBlock::Parts::Parts(const Parts& kept, const Slab& of_row)
    : pool(kept.pool),
      slab(of_row),
      codec(kept.codec),
      dictionary(kept.dictionary),
      counters(kept.counters),
      columns(kept.columns),
      row_count(kept.row_count),
      strings(kept.strings),
      split(kept.split),
      keep_halves(kept.keep_halves),
      reason_bytes(kept.reason_bytes),
      apart(kept.pool.chunks()),
      frames_left(kept.strings.frame_count) {
  detail::list_frames(strings, kept.frames, slab.frames, slab.stretches);
}

std::string_view DecodedBlock::encoded() const noexcept {
  if (form() == BlockForm::columns) return {};
  return {parts_->slab.encoded, header_.stored_bytes};
}

DecodedBlock::Slab DecodedBlock::Parts::carve_row(detail::Carver& carver) const noexcept {
  Slab row;
  row.text = carver.take<char>(strings.slab_bytes + detail::kTextSlack);
  row.starts = carver.take<std::uint16_t>(std::size_t{strings.string_count} + strings.frame_count);
  row.frames = carver.take<detail::Frame>(strings.frame_count);
  row.stretches = carver.take<detail::Stretch>(strings.stretches());
  return row;
}

// All of it is the reader's own: the room, and what is inflated there.
Result<void> DecodedBlock::read_alone(std::uint32_t row, ExceptionView& out, RowRoom& room) const {
  detail::Carver sizing;
  static_cast<void>(parts_->carve_row(sizing));
  detail::Carver carver(room.work(sizing.bytes()));
  Parts parts(*parts_, parts_->carve_row(carver));
  Row alone;
  CAVEAT_TRY(parts.read_row(place_of(row), alone));
  const Text text{parts.slab.text, parts.slab.text, &parts};
  fill(text, alone, out);
  if (in_halves_) join(text, alone, out, room);
  return {};
}

Result<void> DecodedBlock::Parts::read_row(const detail::RowPlace& place, Row& out) {
  const std::uint32_t rows = row_count;
  out.node = static_cast<std::uint16_t>(place.node);

  std::uint32_t value = 0;
  const auto next_int = [&](ByteReader& in, std::uint32_t most) {
    return detail::int_at(in, place, rows, value) && value <= most;
  };
  ByteReader source(columns[ordinal(BlockColumn::source)]);
  if (!next_int(source, kExceptionSourceCount - 1)) return corrupt_block("column source");
  out.source = static_cast<ExceptionSource>(value);

  ByteReader confidence(columns[ordinal(BlockColumn::confidence)]);
  detail::ConfidenceForm confidence_form;
  CAVEAT_TRY(confidence_form.read(confidence));
  if (!next_int(confidence, confidence_form.most)) return corrupt_block("column confidence");
  out.confidence = confidence_form.confidence_of(value);

  ByteReader created_at(columns[ordinal(BlockColumn::created_at)]);
  detail::TimeForm time_form;
  CAVEAT_TRY(time_form.read(created_at));
  std::uint64_t time = 0;
  if (!detail::int_at(created_at, place, rows, time) || !time_form.holds(time))
    return corrupt_block("column created_at");
  out.created_at = time_form.time_of(time);

  for (unsigned which = 0; which < 2; ++which) {
    ByteReader in(columns[ordinal(BlockColumn::inherited) + which]);
    if (!next_int(in, static_cast<std::uint32_t>(ValueKind::List)))
      return corrupt_block(which == 0 ? "column inherited" : "column actual");
    out.tags[which] = static_cast<std::uint8_t>(value);
    if (!next_int(in, strings.string_count - 1))
      return corrupt_block(which == 0 ? "column inherited: string numbers"
                                      : "column actual: string numbers");
    out.offset[which] = static_cast<std::uint16_t>(value);
  }
  ByteReader reason(columns[ordinal(BlockColumn::reason)]);
  static_cast<void>(reason.byte());  // open() has read both
  if (split) static_cast<void>(reason.varint());
  if (!next_int(reason, strings.string_count - 1))
    return corrupt_block("column reason: string numbers");
  out.offset[2] = static_cast<std::uint16_t>(value);
  if (split) {
    if (!next_int(reason, strings.string_count - 1))
      return corrupt_block("column reason: string numbers");
    out.tail = static_cast<std::uint16_t>(value);
  }
  std::size_t used = 0;  // of this row alone
  return resolve_alone(out, used);
}

}  // namespace caveat
