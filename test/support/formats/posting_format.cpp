#include "indexes/posting_container.h"

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "indexes/posting_segment.h"
#include "test/support/formats/format.h"
#include "test/support/formats/segments.h"

namespace caveat::test {

namespace {

using posting::decode_segment;
using posting::Segment;

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::size_t kStoredBytesAt = 8, kChecksumAt = 24;
using Pairs = std::vector<PostingPair>;

// Of several shapes: long runs, like times, and the ends of the range.
std::vector<Pairs> sample_pairs() {
  std::vector<Pairs> all(3);
  for (std::uint64_t i = 0; i < 90; ++i) all[0].push_back({i / 30, 1000 + i % 30 + i / 60});
  for (std::uint64_t i = 0; i < 60; ++i)
    all[1].push_back({(std::uint64_t{1} << 40) + i * 3, (i * 7) % 11});
  all[2] = {{0, 0}, {0, kMaxPartitionId}, {1, 5}, {kAll - 1, 0}, {kAll, kMaxPartitionId}};
  return all;
}

std::string changes(std::uint64_t term, std::uint64_t count) {
  std::vector<PostingChange> list;
  for (std::uint64_t i = 0; i < count; ++i) list.push_back({term + i / 4, 1000 + i, i % 3 != 0});
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.pair() < b.pair(); });
  std::string out;
  posting::encode_changes(list, out);
  return out;
}

std::string base(const Pairs& pairs) {
  std::string out;
  posting::encode_base(pairs, out);
  return out;
}

void account(const Pairs& pairs, std::string& out) {
  put_fixed(out, static_cast<std::uint64_t>(pairs.size()));
  for (const auto& pair : pairs) {
    put_fixed(out, pair.term);
    put_fixed(out, pair.partition);
  }
}

Pairs within(const Pairs& pairs, std::uint64_t lo, std::uint64_t hi) {
  Pairs part;
  for (const auto& pair : pairs)
    if (pair.term >= lo && pair.term <= hi) part.push_back(pair);
  return part;
}

bool ascending(const Pairs& pairs) {
  for (std::size_t i = 1; i < pairs.size(); ++i)
    if (!(pairs[i - 1] < pairs[i])) return false;
  return true;
}

Result<Segment> only_segment(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto segment, posting::take_segment(bytes));
  if (!bytes.empty()) return fail(ErrorCode::corruption, "bytes behind the segment");
  return segment;
}

Result<std::string> read_segment(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto segment, only_segment(bytes));
  Pairs adds, removes;
  CAVEAT_TRY(decode_segment(segment, 0, kAll, true, adds, removes));
  must_hold(ascending(adds) && ascending(removes), "a segment's pairs do not rise");
  must_hold(adds.size() == segment.header.adds && removes.size() == segment.header.removes,
            "a segment holds other counts than it says");
  if (!adds.empty()) {
    const auto lo = adds[adds.size() / 3].term, hi = adds[adds.size() * 2 / 3].term;
    Pairs part, other;
    must_hold(decode_segment(segment, lo, hi, true, part, other).has_value(),
              "a part of a sound segment is refused");
    must_hold(part == within(adds, lo, hi), "a part of a segment differs from the whole");
  }
  std::string out(1, static_cast<char>(segment.header.kind));
  account(adds, out);
  account(removes, out);
  return out;
}

Result<std::string> write_segment(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto segment, only_segment(bytes));
  Pairs adds, removes;
  CAVEAT_TRY(decode_segment(segment, 0, kAll, true, adds, removes));
  if (segment.header.kind == posting::SegmentKind::base) return base(adds);
  std::vector<PostingChange> list;
  for (const auto& pair : adds) list.push_back({pair.term, pair.partition, true});
  for (const auto& pair : removes) list.push_back({pair.term, pair.partition, false});
  std::string out;
  posting::encode_changes(list, out);
  return out;
}

Result<std::string> read_container(std::string_view bytes) {
  const auto summary = posting::summarise(bytes);
  static_cast<void>(posting::wants_rewrite(summary));
  Pairs pairs;
  CAVEAT_TRY(posting::read_container(bytes, 0, kAll, true, pairs));
  must_hold(summary.sound, "a container is read whose headers are said to be wrong");
  must_hold(ascending(pairs), "a container's pairs do not rise");
  Pairs unordered;
  CAVEAT_TRY(posting::read_container(bytes, 0, kAll, false, unordered));
  std::sort(unordered.begin(), unordered.end());
  must_hold(unordered == pairs, "a container read unordered differs");
  if (!pairs.empty()) {
    const auto lo = pairs[pairs.size() / 4].term, hi = pairs[pairs.size() / 2].term;
    Pairs part;
    CAVEAT_TRY(posting::read_container(bytes, lo, hi, true, part));
    must_hold(part == within(pairs, lo, hi), "a part of a container differs from the whole");
  }
  std::string out;
  account(pairs, out);
  return out;
}

Result<std::string> write_container(std::string_view bytes) {
  Pairs pairs;
  CAVEAT_TRY(posting::read_container(bytes, 0, kAll, true, pairs));
  // A base holds fewer pairs than a container may name with its changes.
  std::string out;
  for (std::size_t at = 0; at < pairs.size(); at += posting::kMaxOperandChanges) {
    const auto end = std::min(pairs.size(), at + posting::kMaxOperandChanges);
    std::vector<PostingChange> list;
    for (std::size_t i = at; i < end; ++i)
      list.push_back({pairs[i].term, pairs[i].partition, true});
    posting::encode_changes(list, out);
  }
  return out;
}

void seal(std::string& bytes) {
  std::string_view rest = bytes;
  std::size_t at = 0;
  while (rest.size() >= posting::kPostingHeaderBytes) {
    const auto header = posting::peek_segment(rest);
    if (!header) return;
    const auto sum = checksum_around(rest.substr(0, header->total_bytes()), kChecksumAt, 8);
    set_fixed(bytes, at + kChecksumAt, sum);
    at += header->total_bytes();
    rest = std::string_view(bytes).substr(at);
  }
}

}  // namespace

std::vector<std::size_t> segment_ends(std::string_view bytes, std::size_t size_at,
                                      std::size_t fixed) {
  std::vector<std::size_t> ends = {0};
  while (ends.back() < bytes.size())
    ends.push_back(ends.back() + fixed + get_fixed<std::uint32_t>(bytes, ends.back() + size_at));
  return ends;
}

Format posting_segment_format() {
  Format format;
  format.name = "posting_segment";
  for (const auto& pairs : sample_pairs()) format.samples.push_back(base(pairs));
  format.samples.push_back(changes(2, 1));
  format.samples.push_back(changes(0, 50));
  format.read = read_segment;
  format.write_again = write_segment;
  format.seal = seal;
  return format;
}

Format posting_container_format() {
  Format format;
  format.name = "posting_container";
  const auto pairs = sample_pairs();
  format.samples = {base(pairs[0]) + changes(0, 9) + changes(1, 3), changes(7, 20),
                    base(pairs[1]) + changes(std::uint64_t{1} << 40, 4), base(pairs[2])};
  format.read = read_container;
  format.write_again = write_container;
  format.seal = seal;
  format.appendable = true;
  format.ends = [](std::string_view bytes) {
    return segment_ends(bytes, kStoredBytesAt, posting::kPostingHeaderBytes);
  };
  return format;
}

}  // namespace caveat::test
