// One row of a block that is not decoded: what a block is worth that is read once.
#include "engine/block/column_forms.h"

namespace caveat {

using detail::ByteReader;
using detail::corrupt_block;
using detail::ordinal;

Result<void> DecodedBlock::Parts::read_row(const Keys& keys, std::uint32_t row, Row& out) {
  const std::uint32_t rows = row_count;
  detail::RowPlace place;
  place.row = row;
  place.node = keys.rows[row].node;
  place.first_row_of_node = keys.node_starts[place.node];
  place.node_count = node_count;
  if (slab.property_of_row != nullptr) place.property_of_row = {slab.property_of_row, rows};
  place.property_count = property_count;
  out.node = keys.rows[row].node;

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
  for (unsigned which = 0; which < 3; ++which) CAVEAT_TRY(resolve(which, out, used));
  return {};
}

}  // namespace caveat
