// What the confidence and time columns say before their integers: how these become values. And
// columns as their readers see them, in which they have become it.
#pragma once

#include <bit>
#include <cstdint>

#include "engine/block/bits.h"
#include "engine/block/decoded_parts.h"

namespace caveat::detail {

struct ConfidenceForm {
  bool is_bits = false;    // the integers are floats' bits; else decimals, divided by `most`
  std::uint32_t most = 1;  // the integer that stands for 1

  [[nodiscard]] Result<void> read(ByteReader& in) {
    const std::uint8_t form = in.byte();
    if (form < kConfidenceBits || form > kConfidenceDecimal + kConfidenceDigits)
      return corrupt_block("column confidence: unknown form");
    is_bits = form == kConfidenceBits;
    if (is_bits) most = std::bit_cast<std::uint32_t>(1.0F);
    for (unsigned i = kConfidenceDecimal; i < form; ++i) most *= 10;
    return {};
  }
  // Of an integer that is at most `most`. As a signed one: there is an instruction for that.
  [[nodiscard]] float confidence_of(std::uint32_t value) const noexcept {
    if (is_bits) return std::bit_cast<float>(value);
    return static_cast<float>(static_cast<double>(static_cast<std::int32_t>(value)) /
                              static_cast<double>(most));
  }
};

struct TimeForm {
  std::int64_t least = 0;
  std::uint64_t factor = 1;

  [[nodiscard]] Result<void> read(ByteReader& in) {
    factor = in.varint();
    const std::uint8_t aligned = in.byte();
    least = unzigzag(in.varint());
    if (!in.ok() || factor == 0 || aligned > 1) return corrupt_block("column created_at: factor");
    if (aligned == 1 && (factor > INT64_MAX ||
                         __builtin_mul_overflow(least, static_cast<std::int64_t>(factor), &least)))
      return corrupt_block("column created_at: least time");
    return {};
  }
  // Is the time of this integer, and so that of each smaller one, a time?
  [[nodiscard]] bool holds(std::uint64_t value) const noexcept {
    std::uint64_t above = 0;
    return !__builtin_mul_overflow(value, factor, &above) &&
           above <= static_cast<std::uint64_t>(INT64_MAX) - static_cast<std::uint64_t>(least);
  }
  [[nodiscard]] std::int64_t time_of(std::uint64_t value) const noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(least) + value * factor);
  }
};

}  // namespace caveat::detail

namespace caveat {

struct DecodedBlock::Parts::Sources {
  std::span<const std::uint32_t> ints;
  [[nodiscard]] ExceptionSource operator[](std::size_t row) const noexcept {
    return static_cast<ExceptionSource>(ints[row]);
  }
};

struct DecodedBlock::Parts::Confidences {
  std::span<const std::uint32_t> ints;
  detail::ConfidenceForm form;
  [[nodiscard]] float operator[](std::size_t row) const noexcept {
    return form.confidence_of(ints[row]);
  }
};

struct DecodedBlock::Parts::CreatedAts {
  std::span<const std::uint64_t> ints;
  detail::TimeForm form;
  [[nodiscard]] std::int64_t operator[](std::size_t row) const noexcept {
    return form.time_of(ints[row]);
  }
};

}  // namespace caveat
