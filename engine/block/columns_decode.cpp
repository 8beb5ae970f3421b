// Columns of an opened block, decoded and checked whole on first use.
#include <bit>
#include <cmath>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::ByteReader;
using detail::corrupt_block;

namespace {

std::vector<std::uint64_t>& wide_scratch(std::size_t rows) {
  thread_local std::vector<std::uint64_t> values;
  values.resize(rows);
  return values;
}

constexpr std::size_t at(BlockColumn column) {
  return static_cast<std::size_t>(column);
}

}  // namespace

Result<const std::vector<ExceptionSource>*> DecodedBlock::Parts::load_sources() {
  if (const auto* ready = sources.get()) [[likely]]
    return ready;
  auto& values = wide_scratch(shape.node_of_row.size());
  ByteReader in(columns[at(BlockColumn::source)]);
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column source");
  auto made = std::make_unique<std::vector<ExceptionSource>>();
  made->reserve(values.size());
  for (const std::uint64_t value : values) {
    if (value >= kExceptionSourceCount) return corrupt_block("column source: unknown source");
    made->push_back(static_cast<ExceptionSource>(value));
  }
  return sources.publish(std::move(made));
}

Result<const std::vector<float>*> DecodedBlock::Parts::load_confidences() {
  if (const auto* ready = confidences.get()) [[likely]]
    return ready;
  auto& values = wide_scratch(shape.node_of_row.size());
  ByteReader in(columns[at(BlockColumn::confidence)]);
  const std::uint8_t form = in.byte();
  if (form < detail::kConfidenceBits ||
      form > detail::kConfidenceDecimal + detail::kConfidenceDigits)
    return corrupt_block("column confidence: unknown form");
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column confidence");
  auto made = std::make_unique<std::vector<float>>();
  made->reserve(values.size());
  double power = 1;
  for (unsigned i = detail::kConfidenceDecimal; i < form; ++i) power *= 10;
  const auto most = static_cast<std::uint64_t>(power);
  for (const std::uint64_t value : values) {
    float confidence = 0;
    if (form == detail::kConfidenceBits) {
      if (value > std::bit_cast<std::uint32_t>(1.0F))
        return corrupt_block("column confidence: outside [0, 1]");
      confidence = std::bit_cast<float>(static_cast<std::uint32_t>(value));
    } else {
      if (value > most) return corrupt_block("column confidence: above 1");
      confidence = static_cast<float>(static_cast<double>(value) / power);
    }
    made->push_back(confidence);
  }
  return confidences.publish(std::move(made));
}

Result<const std::vector<std::int64_t>*> DecodedBlock::Parts::load_created_ats() {
  if (const auto* ready = created_ats.get()) [[likely]]
    return ready;
  auto& values = wide_scratch(shape.node_of_row.size());
  ByteReader in(columns[at(BlockColumn::created_at)]);
  const std::uint64_t factor = in.varint();
  const std::uint8_t aligned = in.byte();
  std::int64_t least = detail::unzigzag(in.varint());
  if (!in.ok() || factor == 0 || aligned > 1) return corrupt_block("column created_at: factor");
  if (aligned == 1 && (factor > INT64_MAX ||
                       __builtin_mul_overflow(least, static_cast<std::int64_t>(factor), &least)))
    return corrupt_block("column created_at: least time");
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0)
    return corrupt_block("column created_at");
  const std::uint64_t room =
      static_cast<std::uint64_t>(INT64_MAX) - static_cast<std::uint64_t>(least);
  auto made = std::make_unique<std::vector<std::int64_t>>();
  made->reserve(values.size());
  for (const std::uint64_t value : values) {
    std::uint64_t above = 0;
    if (__builtin_mul_overflow(value, factor, &above) || above > room)
      return corrupt_block("column created_at: time out of range");
    made->push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + above));
  }
  return created_ats.publish(std::move(made));
}

Result<const detail::ValueColumn*> DecodedBlock::Parts::load_values(unsigned which) {
  auto& lazy = value_columns[which];
  if (const auto* ready = lazy.get()) [[likely]]
    return ready;
  static constexpr std::array<const char*, 3> kNames = {"column inherited", "column actual",
                                                        "column reason"};
  auto& wide = wide_scratch(shape.node_of_row.size());
  ByteReader in(columns[at(BlockColumn::inherited) + which]);
  auto made = std::make_unique<detail::ValueColumn>();
  if (which < 2) {
    if (!detail::decode_ints(in, &shape, wide)) return corrupt_block(kNames[which]);
    made->tags.reserve(wide.size());
    for (const std::uint64_t tag : wide) {
      if (tag > static_cast<std::uint64_t>(ValueKind::List))
        return corrupt_block(std::string(kNames[which]) + ": unknown tag");
      made->tags.push_back(static_cast<std::uint8_t>(tag));
    }
  }
  const bool split = which == 2 && in.byte() == detail::kReasonSplit;
  if (split) static_cast<void>(in.varint());  // open() has read it
  const auto numbers = [&](std::vector<std::uint16_t>& out) {
    if (!detail::decode_ints(in, &shape, wide)) return false;
    out.reserve(wide.size());
    for (const std::uint64_t id : wide) {
      if (id >= strings.string_count) return false;
      out.push_back(static_cast<std::uint16_t>(id));
    }
    return true;
  };
  if (!numbers(made->index) || (split && !numbers(made->tails)) || in.left() != 0)
    return corrupt_block(std::string(kNames[which]) + ": string numbers");
  if (split) made->joined = std::make_unique<std::atomic<const char*>[]>(wide.size());
  return lazy.publish(std::move(made));
}

}  // namespace caveat
