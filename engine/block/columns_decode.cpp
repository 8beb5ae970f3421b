// Columns of an opened block, decoded and checked whole on first use. All run under the lock.
#include <algorithm>
#include <bit>

#include "engine/block/column_forms.h"

namespace caveat {
namespace detail {

ColumnScratch& column_scratch() {
  thread_local ColumnScratch scratch;
  return scratch;
}

}  // namespace detail

using detail::ByteReader;
using detail::column_scratch;
using detail::ColumnScratch;
using detail::corrupt_block;
using detail::ordinal;

namespace {

// Is any above `most`, which is below 2^31? In one pass that the plainest SIMD can do: the sign of
// a difference, as it has no unsigned comparison.
bool any_above(std::span<const std::uint32_t> values, std::uint32_t most) {
  std::uint32_t signs = 0;
  for (const std::uint32_t value : values) signs |= value | (most - value);
  return signs >> 31 != 0;
}

}  // namespace

detail::RowShape DecodedBlock::Parts::shape() const {
  const auto node_of_row = ColumnScratch::sized(column_scratch().node_of_row, row_count);
  for (std::size_t i = 0; i < row_count; ++i) node_of_row[i] = slab.rows[i].node;
  const std::size_t numbered_rows = slab.property_of_row != nullptr ? row_count : 0;
  return {node_of_row, node_count, {slab.property_of_row, numbered_rows}, property_count};
}

Result<void> DecodedBlock::Parts::load_sources(const detail::RowShape& shape) {
  const auto values = ColumnScratch::sized(column_scratch().narrow, row_count);
  ByteReader in(columns[ordinal(BlockColumn::source)]);
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column source");
  if (any_above(values, kExceptionSourceCount - 1))
    return corrupt_block("column source: unknown source");
  for (std::size_t i = 0; i < values.size(); ++i)
    slab.rows[i].source = static_cast<ExceptionSource>(values[i]);
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::load_confidences(const detail::RowShape& shape) {
  const auto values = ColumnScratch::sized(column_scratch().narrow, row_count);
  ByteReader in(columns[ordinal(BlockColumn::confidence)]);
  detail::ConfidenceForm form;
  CAVEAT_TRY(form.read(in));
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column confidence");
  if (any_above(values, form.most)) return corrupt_block("column confidence: outside [0, 1]");
  ++pieces;
  if (form.is_bits) {
    for (std::size_t i = 0; i < values.size(); ++i)
      slab.rows[i].confidence = std::bit_cast<float>(values[i]);
    return {};
  }
  // Signed, as there is an instruction for that.
  for (std::size_t i = 0; i < values.size(); ++i)
    slab.rows[i].confidence = static_cast<float>(
        static_cast<double>(static_cast<std::int32_t>(values[i])) / static_cast<double>(form.most));
  return {};
}

Result<void> DecodedBlock::Parts::load_created_ats(const detail::RowShape& shape) {
  const auto values = ColumnScratch::sized(column_scratch().wide, row_count);
  ByteReader in(columns[ordinal(BlockColumn::created_at)]);
  detail::TimeForm form;
  CAVEAT_TRY(form.read(in));
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column created_at");
  std::uint64_t most = 0;
  for (const std::uint64_t value : values) most = std::max(most, value);
  if (!form.holds(most)) return corrupt_block("column created_at: time out of range");
  for (std::size_t i = 0; i < values.size(); ++i) slab.rows[i].created_at = form.time_of(values[i]);
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::load_numbers(unsigned which, const detail::RowShape& shape) {
  const auto bit = static_cast<ColumnMask>(1U << which);
  if ((numbered & bit) != 0) return {};
  static constexpr std::array<const char*, 3> kNames = {"column inherited", "column actual",
                                                        "column reason"};
  const std::size_t rows = row_count;
  const auto numbers = ColumnScratch::sized(column_scratch().narrow, rows);
  ByteReader in(columns[ordinal(BlockColumn::inherited) + which]);
  if (which < 2) {
    if (!detail::decode_ints(in, &shape, numbers)) return corrupt_block(kNames[which]);
    if (any_above(numbers, static_cast<std::uint32_t>(ValueKind::List)))
      return corrupt_block(std::string(kNames[which]) + ": unknown tag");
    for (std::size_t i = 0; i < rows; ++i)
      slab.rows[i].tags[which] = static_cast<std::uint8_t>(numbers[i]);
  } else {
    static_cast<void>(in.byte());  // open() has read both
    if (split) static_cast<void>(in.varint());
  }
  const auto decode = [&](std::span<std::uint32_t> to) {
    return detail::decode_ints(in, &shape, to) && !any_above(to, strings.string_count - 1);
  };
  const bool halves = which == 2 && split;
  const auto tails = ColumnScratch::sized(column_scratch().other, halves ? rows : 0);
  if (!decode(numbers) || (halves && !decode(tails)) || in.left() != 0)
    return corrupt_block(std::string(kNames[which]) + ": string numbers");
  for (std::size_t i = 0; i < rows; ++i) {
    slab.rows[i].offset[which] = static_cast<std::uint16_t>(numbers[i]);
    slab.rows[i].length[which] = detail::kUnresolved;
  }
  for (std::size_t i = 0; i < tails.size(); ++i)
    slab.rows[i].tail = static_cast<std::uint16_t>(tails[i]);
  numbered |= bit;
  ++pieces;
  return {};
}

}  // namespace caveat
