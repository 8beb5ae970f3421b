// The block's layout (docs/format/block.md says more). Fixed fields are little-endian.
//
//   0        4        8                16 17 18    20       24               32       36
//   +--------+--------+----------------+--+--+-----+--------+----------------+--------+
//   | magic  | stored | checksum       |v |c |rows | dict   | as_of          | raw    |
//   +--------+--------+----------------+--+--+-----+--------+----------------+--------+
//   | directory: varint length of each of the 8 columns and of the string table        |
//   +----------------------------------------------------------------------------------+
//   | node | property | source | confidence | created_at | inherited | actual | reason  |
//   +----------------------------------------------------------------------------------+
//   | string table: separator, frames (strings of each column, raw and stored bytes)   |
//   +----------------------------------------------------------------------------------+
//   | frame 0 | frame 1 | ...   each compressed by the codec, or raw where not smaller  |
//   +----------------------------------------------------------------------------------+
//
// The checksum is XXH3-64 of the bytes before and after it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "caveat/compressed_block.h"

namespace caveat::detail {

inline constexpr std::uint32_t kBlockMagic = 0x4B425643;  // "CVBK"
inline constexpr std::uint8_t kBlockVersion = 2;
// Until then a frame held strings by their numbers: those of one column after those of another.
inline constexpr std::uint8_t kBlockVersionFramesOfRows = 2;

inline constexpr std::size_t kMagicAt = 0;
inline constexpr std::size_t kStoredBytesAt = 4;
inline constexpr std::size_t kChecksumAt = 8;
inline constexpr std::size_t kVersionAt = 16;
inline constexpr std::size_t kCodecAt = 17;
inline constexpr std::size_t kRowCountAt = 18;
inline constexpr std::size_t kDictionaryAt = 20;
inline constexpr std::size_t kAsOfAt = 24;
inline constexpr std::size_t kRawBytesAt = 32;
inline constexpr std::size_t kHeaderBytes = 36;

static_assert(kStoredBytesAt == kMagicAt + sizeof(std::uint32_t));
static_assert(kChecksumAt == kStoredBytesAt + sizeof(std::uint32_t));
static_assert(kVersionAt == kChecksumAt + sizeof(std::uint64_t));
static_assert(kCodecAt == kVersionAt + sizeof(std::uint8_t));
static_assert(kRowCountAt == kCodecAt + sizeof(CodecId));
static_assert(kDictionaryAt == kRowCountAt + sizeof(std::uint16_t));
static_assert(kAsOfAt == kDictionaryAt + sizeof(std::uint32_t));
static_assert(kRawBytesAt == kAsOfAt + sizeof(Sequence));
static_assert(kHeaderBytes == kRawBytesAt + sizeof(std::uint32_t));

// The columns in the order of BlockColumn, then the string table.
inline constexpr std::size_t kSectionCount = kBlockColumnCount + 1;
inline constexpr std::size_t kStringTable = kBlockColumnCount;
static_assert(static_cast<std::size_t>(BlockColumn::reason) + 1 == kBlockColumnCount);
static_assert(kMaxBlockRows * 4 <= 0xFFFF, "string and row ordinals fit 16 bits");

// How confidences become integers: the float's bits, or value x 10^n where that is exact.
inline constexpr std::uint8_t kConfidenceBits = 1;
inline constexpr std::uint8_t kConfidenceDecimal = 2;  // + n, n in 0 .. kConfidenceDigits
inline constexpr std::uint8_t kConfidenceDigits = 7;

// How reasons are held.
inline constexpr std::uint8_t kReasonWhole = 1;
inline constexpr std::uint8_t kReasonSplit = 2;  // a head and a tail, put together on reading

[[nodiscard]] constexpr std::size_t ordinal(BlockColumn column) noexcept {
  return static_cast<std::size_t>(column);
}

// Strings are numbered column by column: inherited, actual, reasons or their heads, tails.
inline constexpr std::size_t kStringColumns = 4;

// How the end of a string is found.
inline constexpr std::uint8_t kEndsBySeparator = 1;  // then the byte that ends every string
inline constexpr std::uint8_t kEndsByLength = 2;     // then a column of lengths

// XXH3-64 over a block but its checksum field.
[[nodiscard]] std::uint64_t block_checksum(std::string_view block) noexcept;

}  // namespace caveat::detail
