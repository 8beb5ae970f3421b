#include "indexes/posting_stream.h"

#include <algorithm>
#include <memory>

#include "engine/model/varint.h"
#include "indexes/radix_sort.h"
#include "pool/invariant.h"

namespace caveat::posting {
namespace {

struct Half {
  std::uint64_t major;
  std::uint64_t minor;
};

Half split(const PostingPair& pair, StreamLayout layout) noexcept {
  if (layout == StreamLayout::by_term) return {pair.term, pair.partition};
  return {pair.partition, pair.term};
}

// Writes the tokens of a group; behind them.
char* encode_group(std::span<const PostingPair> group, StreamLayout layout, std::uint64_t base,
                   char* to) {
  std::uint64_t next = base;  // previous + 1
  for (std::size_t i = 0; i < group.size();) {
    const auto first = split(group[i], layout).minor;
    std::size_t end = i + 1;
    while (end < group.size() && split(group[end], layout).minor == first + (end - i)) ++end;
    const auto length = end - i;
    to = write_varint((first - next) << 1 | (length > 1 ? 1U : 0U), to);
    if (length > 1) to = write_varint(length - 2, to);
    next = first + length;
    i = end;
  }
  return to;
}

tl::unexpected<StorageError> bad_stream(std::string_view what) {
  return fail(ErrorCode::corruption, "posting stream: " + std::string(what));
}

// take_varint with the usual case, one byte, in line.
[[nodiscard]] inline bool take_short_varint(std::string_view& bytes,
                                            std::uint64_t& value) noexcept {
  if (!bytes.empty() && static_cast<unsigned char>(bytes.front()) < 0x80) [[likely]] {
    value = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    return true;
  }
  return take_varint(bytes, value);
}

// The lists of a stream, read side by side.
struct StreamReader {
  StreamLayout layout;
  std::uint64_t lo;
  std::uint64_t hi;
  std::uint64_t base = 0;
  std::uint32_t left = 0;  // pairs not yet seen
  std::string_view tokens;

  // Appends the wanted part of one group of `count` minors.
  [[nodiscard]] bool group(std::uint64_t major, std::uint64_t count,
                           std::vector<PostingPair>& out) {
    const bool by_term = layout == StreamLayout::by_term;
    const bool wanted = !by_term || (major >= lo && major <= hi);
    const std::uint64_t limit = by_term ? kMaxPartitionId : ~std::uint64_t{0};
    std::uint64_t next = base;
    bool at_end = false;  // the largest minor of all was the last
    auto rest = tokens;   // in registers for the loop
    while (count > 0) {
      std::uint64_t token = 0;
      std::uint64_t length = 1;
      if (!take_short_varint(rest, token)) return false;
      if ((token & 1) != 0) {
        if (!take_short_varint(rest, length) || length > count) return false;
        length += 2;
      }
      const auto gap = token >> 1;
      if (at_end || length > count || next > limit || gap > limit - next) return false;
      const auto first = next + gap;
      if (length - 1 > limit - first) return false;
      const auto last = first + (length - 1);
      at_end = last == ~std::uint64_t{0};
      next = last + 1;
      count -= length;
      if (!wanted) continue;
      if (by_term) {
        for (auto minor = first; minor <= last; ++minor) out.push_back({major, minor});
      } else if (first <= hi && last >= lo) {
        const auto end = std::min(last, hi);
        for (auto minor = std::max(first, lo);; ++minor) {
          out.push_back({minor, major});
          if (minor == end) break;  // `<=` would never end at the largest term
        }
      }
    }
    tokens = rest;
    return true;
  }
};

}  // namespace

bool encode_stream(std::span<const PostingPair> pairs, StreamLayout layout, std::string& out) {
  if (pairs.empty()) return true;
  std::vector<PostingPair> turned;
  if (layout == StreamLayout::by_partition) {
    // Within the sorted input the terms are the majors: first and last are the extremes.
    if (pairs.back().term - pairs.front().term > kMaxMinorSpan) return false;
    turned.assign(pairs.begin(), pairs.end());
    std::vector<PostingPair> scratch;
    radix_sort(std::span(turned), scratch, [](const PostingPair& pair) { return pair.partition; });
    pairs = turned;
  }
  std::uint64_t base = split(pairs.front(), layout).minor;
  std::size_t groups = 1;
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    base = std::min(base, split(pairs[i], layout).minor);
    groups += split(pairs[i], layout).major != split(pairs[i - 1], layout).major ? 1 : 0;
  }

  // The three lists side by side, each with room for the most that it can be: a group has a major
  // and a count, a pair at most a gap and a length.
  const auto room =
      std::make_unique_for_overwrite<char[]>(2 * kMaxVarintBytes * (groups + pairs.size()));
  char* const majors = room.get();
  char* const counts = majors + kMaxVarintBytes * groups;
  char* const tokens = counts + kMaxVarintBytes * groups;
  char* majors_end = majors;
  char* counts_end = counts;
  char* tokens_end = tokens;
  std::uint64_t expected = split(pairs.front(), layout).major;  // previous major + 1
  for (std::size_t i = 0; i < pairs.size();) {
    const auto major = split(pairs[i], layout).major;
    std::size_t end = i + 1;
    while (end < pairs.size() && split(pairs[end], layout).major == major) ++end;
    CAVEAT_ASSERT(major >= expected);
    majors_end = write_varint(major - expected, majors_end);
    counts_end = write_varint(end - i - 1, counts_end);
    tokens_end = encode_group(pairs.subspan(i, end - i), layout, base, tokens_end);
    expected = major + 1;
    i = end;
  }
  put_varint(groups, out);
  put_varint(split(pairs.front(), layout).major, out);
  put_varint(base, out);
  out.append(majors, majors_end);
  out.append(counts, counts_end);
  out.append(tokens, tokens_end);
  return true;
}

Result<void> decode_stream(std::string_view& bytes, StreamLayout layout, std::uint32_t count,
                           std::uint64_t lo, std::uint64_t hi, std::vector<PostingPair>& out) {
  CAVEAT_ASSERT(lo <= hi);
  if (count == 0) return {};
  std::uint64_t groups = 0;
  std::uint64_t major = 0;
  StreamReader reader{layout, lo, hi, 0, count, {}};
  if (!take_varint(bytes, groups) || !take_varint(bytes, major) || !take_varint(bytes, reader.base))
    return bad_stream("preamble is cut");
  // A group is two bytes at least, and one pair.
  if (groups == 0 || groups > count || groups > bytes.size()) return bad_stream("group count");
  const auto max_major = layout == StreamLayout::by_partition ? kMaxPartitionId : ~std::uint64_t{0};

  auto majors = bytes;
  auto counts = bytes;
  std::uint64_t skipped = 0;
  for (std::uint64_t i = 0; i < groups; ++i)
    if (!take_short_varint(counts, skipped)) return bad_stream("majors are cut");
  reader.tokens = counts;
  for (std::uint64_t i = 0; i < groups; ++i)
    if (!take_short_varint(reader.tokens, skipped)) return bad_stream("counts are cut");

  for (std::uint64_t i = 0; i < groups; ++i) {
    std::uint64_t delta = 0;
    std::uint64_t minors = 0;
    static_cast<void>(take_short_varint(majors, delta));  // both were read above
    static_cast<void>(take_short_varint(counts, minors));
    if (i == 0) {
      if (delta != 0) return bad_stream("first major");
      if (major > max_major) return bad_stream("major is too large");
    } else {
      if (major >= max_major || delta > max_major - major - 1)
        return bad_stream("major is too large");
      major += delta + 1;
    }
    if (minors >= reader.left) return bad_stream("more pairs than the header says");
    reader.left -= static_cast<std::uint32_t>(minors) + 1;
    if (!reader.group(major, minors + 1, out)) return bad_stream("minors of a group");
  }
  if (reader.left != 0) return bad_stream("fewer pairs than the header says");
  bytes = reader.tokens;
  return {};
}

void sort_by_term(std::span<PostingPair> pairs, std::vector<PostingPair>& scratch) {
  radix_sort(pairs, scratch, [](const PostingPair& pair) { return pair.term; });
}

}  // namespace caveat::posting
