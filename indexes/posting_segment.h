// Segments of posting containers: sorted (term, partition) pairs in bytes.
//
// A container is a value of a secondary family: segments joined end to end, a base first, then
// changes in the order they were appended. Layout (docs/format/posting.md), little-endian:
//
//    0  u32  magic "CVPS"
//    4  u8   version, 1
//    5  u8   kind: 1 base, 2 changes
//    6  u8   layout of the payload: 1 by term, 2 by partition
//    7  u8   compression of the payload: 0 none, 2 zstd
//    8  u32  payload bytes as stored
//   12  u32  payload bytes before compression
//   16  u32  pairs, or pairs added
//   20  u32  pairs removed; 0 in a base
//   24  u64  XXH3-64 of bytes 0 to 23 and the payload
//   32       payload: a stream of pairs (posting_stream.h); in changes, one of adds and one of
//            removes. A stream of no pairs is no bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"
#include "indexes/posting_stream.h"

namespace caveat::posting {

inline constexpr std::uint32_t kPostingMagic = 0x53505643;  // "CVPS"
inline constexpr std::uint8_t kPostingVersion = 1;
inline constexpr std::size_t kPostingHeaderBytes = 32;

// What a reader accepts. Writers stay far below.
inline constexpr std::uint32_t kMaxSegmentPairs = 1U << 18;
inline constexpr std::uint32_t kMaxSegmentBytes = 4U << 20;

enum class SegmentKind : std::uint8_t { base = 1, changes = 2 };
enum class SegmentCompression : std::uint8_t { none = 0, zstd = 2 };

struct SegmentHeader {
  SegmentKind kind = SegmentKind::base;
  StreamLayout layout = StreamLayout::by_term;
  SegmentCompression compression = SegmentCompression::none;
  std::uint32_t stored_bytes = 0;
  std::uint32_t plain_bytes = 0;
  std::uint32_t adds = 0;
  std::uint32_t removes = 0;

  [[nodiscard]] std::size_t total_bytes() const noexcept {
    return kPostingHeaderBytes + stored_bytes;
  }
};

// A segment whose checksum and header hold; its payload may still be wrong.
struct Segment {
  SegmentHeader header;
  std::string_view payload;
};

// The header at the front of `bytes`, if it is plausible and its payload is all there. Computes
// no checksum.
[[nodiscard]] std::optional<SegmentHeader> peek_segment(std::string_view bytes) noexcept;

// As its header says, which peek_segment has seen.
[[nodiscard]] std::uint64_t segment_checksum(std::string_view bytes) noexcept;

// Takes the segment at the front of `bytes` off, checking header and checksum.
[[nodiscard]] Result<Segment> take_segment(std::string_view& bytes);

// Appends a base segment of sorted distinct pairs, in the smallest form.
void encode_base(std::span<const PostingPair> pairs, std::string& out);
// Appends a changes segment; changes sorted by pair, one a pair.
void encode_changes(std::span<const PostingChange> changes, std::string& out);

// Append the pairs of a segment within the terms [lo, hi], sorted where `ordered`, else in the
// order of the layout. Counts and order are checked outside of the range as well.
[[nodiscard]] Result<void> decode_segment(const Segment& segment, std::uint64_t lo,
                                          std::uint64_t hi, bool ordered,
                                          std::vector<PostingPair>& adds,
                                          std::vector<PostingPair>& removes);

}  // namespace caveat::posting
