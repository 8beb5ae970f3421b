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
  for (std::uint32_t node = 0; node < node_count; ++node)
    std::fill(node_of_row.begin() + slab.node_starts[node],
              node_of_row.begin() + slab.node_starts[node + 1], static_cast<std::uint16_t>(node));
  const std::size_t numbered_rows = slab.property_of_row != nullptr ? row_count : 0;
  return {node_of_row, node_count, {slab.property_of_row, numbered_rows}, property_count};
}

Result<DecodedBlock::Parts::Sources> DecodedBlock::Parts::sources(
    const detail::RowShape& shape) const {
  const auto values = ColumnScratch::sized(column_scratch().narrow, row_count);
  ByteReader in(columns[ordinal(BlockColumn::source)]);
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column source");
  if (any_above(values, kExceptionSourceCount - 1))
    return corrupt_block("column source: unknown source");
  return Sources{values};
}

Result<DecodedBlock::Parts::Confidences> DecodedBlock::Parts::confidences(
    const detail::RowShape& shape) const {
  const auto values = ColumnScratch::sized(column_scratch().narrow, row_count);
  ByteReader in(columns[ordinal(BlockColumn::confidence)]);
  detail::ConfidenceForm form;
  CAVEAT_TRY(form.read(in));
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column confidence");
  if (any_above(values, form.most)) return corrupt_block("column confidence: outside [0, 1]");
  return Confidences{values, form};
}

Result<DecodedBlock::Parts::CreatedAts> DecodedBlock::Parts::created_ats(
    const detail::RowShape& shape) const {
  const auto values = ColumnScratch::sized(column_scratch().wide, row_count);
  ByteReader in(columns[ordinal(BlockColumn::created_at)]);
  detail::TimeForm form;
  CAVEAT_TRY(form.read(in));
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column created_at");
  std::uint64_t most = 0;
  for (const std::uint64_t value : values) most = std::max(most, value);
  if (!form.holds(most)) return corrupt_block("column created_at: time out of range");
  return CreatedAts{values, form};
}

template <class At>
Result<void> DecodedBlock::Parts::read_numbers(unsigned which, const detail::RowShape& shape,
                                               std::span<Row> out, const At& at) const {
  static constexpr std::array<const char*, 3> kNames = {"column inherited", "column actual",
                                                        "column reason"};
  const std::size_t rows = row_count;
  const auto numbers = ColumnScratch::sized(column_scratch().narrow, rows);
  ByteReader in(columns[ordinal(BlockColumn::inherited) + which]);
  if (which < 2) {
    if (!detail::decode_ints(in, &shape, numbers)) return corrupt_block(kNames[which]);
    if (any_above(numbers, static_cast<std::uint32_t>(ValueKind::List)))
      return corrupt_block(std::string(kNames[which]) + ": unknown tag");
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i].tags[which] = static_cast<std::uint8_t>(numbers[at(i)]);
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
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].offset[which] = static_cast<std::uint16_t>(numbers[at(i)]);
    out[i].length[which] = detail::kUnresolved;
  }
  for (std::size_t i = 0; i < out.size() && halves; ++i)
    out[i].tail = static_cast<std::uint16_t>(tails[at(i)]);
  return {};
}

Result<void> DecodedBlock::Parts::load_sources(const detail::RowShape& shape) {
  CAVEAT_ASSIGN(const auto column, sources(shape));
  for (std::size_t i = 0; i < row_count; ++i) slab.rows[i].source = column[i];
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::load_confidences(const detail::RowShape& shape) {
  CAVEAT_ASSIGN(const auto column, confidences(shape));
  for (std::size_t i = 0; i < row_count; ++i) slab.rows[i].confidence = column[i];
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::load_created_ats(const detail::RowShape& shape) {
  CAVEAT_ASSIGN(const auto column, created_ats(shape));
  for (std::size_t i = 0; i < row_count; ++i) slab.rows[i].created_at = column[i];
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::load_numbers(unsigned which, const detail::RowShape& shape) {
  const auto bit = static_cast<ColumnMask>(1U << which);
  if ((numbered & bit) != 0) return {};
  const auto itself = [](std::size_t row) { return row; };
  CAVEAT_TRY(read_numbers(which, shape, {slab.rows, row_count}, itself));
  numbered |= bit;
  ++pieces;
  return {};
}

Result<void> DecodedBlock::Parts::pick_rows(std::span<const std::uint32_t> rows,
                                            const detail::RowShape& shape, Row* out) const {
  for (std::size_t i = 0; i < rows.size(); ++i) out[i].node = shape.node_of_row[rows[i]];
  CAVEAT_ASSIGN(const auto source, sources(shape));
  for (std::size_t i = 0; i < rows.size(); ++i) out[i].source = source[rows[i]];
  CAVEAT_ASSIGN(const auto confidence, confidences(shape));
  for (std::size_t i = 0; i < rows.size(); ++i) out[i].confidence = confidence[rows[i]];
  CAVEAT_ASSIGN(const auto created_at, created_ats(shape));
  for (std::size_t i = 0; i < rows.size(); ++i) out[i].created_at = created_at[rows[i]];
  const auto picked = [&](std::size_t i) { return rows[i]; };
  for (unsigned which = 0; which < 3; ++which)
    CAVEAT_TRY(read_numbers(which, shape, {out, rows.size()}, picked));
  return {};
}

}  // namespace caveat
