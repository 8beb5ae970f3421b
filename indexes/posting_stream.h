// A stream of (term, partition) pairs in bytes.
//
// Pairs are grouped by their major half and list the minor halves of each group, rising:
//   by term: major the term, minor the partition. Dense where a term is in long runs of partitions.
//   by partition: major the partition, minor the term. Dense where neighbouring terms go together,
//   as the properties of like nodes and the times of one import do.
//
//   varint  groups
//   varint  major of the first group
//   varint  base: the smallest minor of the stream
//   varint  x groups   major less the previous major, less 1 (the first: 0)
//   varint  x groups   minors in the group, less 1
//   tokens  of all groups, each varint (gap << 1 | run) and, where run is 1, varint (length - 2):
//           the minor is previous + 1 + gap, with previous = base - 1 at the head of a group;
//           a run is of `length` consecutive minors, two or more
//
// The three lists are apart because zstd then finds more: 0.34 against 0.35 bytes a pair.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"

namespace caveat::posting {

enum class StreamLayout : std::uint8_t { by_term = 1, by_partition = 2 };

// Gaps of minors lose a bit to the run flag: by_partition needs the terms within this distance.
inline constexpr std::uint64_t kMaxMinorSpan = (std::uint64_t{1} << 62) - 1;

// Appends the stream of pairs sorted by (term, partition); nothing for no pairs. False, and
// nothing appended, where the layout cannot hold them.
[[nodiscard]] bool encode_stream(std::span<const PostingPair> pairs, StreamLayout layout,
                                 std::string& out);

// Takes a stream of exactly `count` pairs off the front and appends those of terms [lo, hi], in
// the order of the layout. Checks everything; allocates no more than the pairs it returns.
[[nodiscard]] Result<void> decode_stream(std::string_view& bytes, StreamLayout layout,
                                         std::uint32_t count, std::uint64_t lo, std::uint64_t hi,
                                         std::vector<PostingPair>& out);

// Sorts by (term, partition) what is sorted by partition.
void sort_by_term(std::span<PostingPair> pairs, std::vector<PostingPair>& scratch);

}  // namespace caveat::posting
