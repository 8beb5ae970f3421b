// Streams and segments: round trips, the layout byte for byte, and bytes that are wrong.
#include "indexes/posting_segment.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
#include "indexes/posting_container.h"
#include "test/indexes/posting_world.h"
#include "test/model/hex_dump.h"
#include "test/support/test_folder.h"

using namespace caveat;
using namespace caveat::posting;
using namespace caveat::test;

namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::vector<PostingPair> random_pairs(Random& random, Shape shape, std::size_t count) {
  Model model;
  for (std::size_t i = 0; i < count; ++i) model.insert(random_pair(random, shape));
  return {model.begin(), model.end()};
}

struct Decoded {
  std::vector<PostingPair> adds;
  std::vector<PostingPair> removes;
};
Result<Decoded> decode(std::string_view bytes, std::uint64_t lo = 0, std::uint64_t hi = kAll) {
  CAVEAT_ASSIGN(const auto segment, take_segment(bytes));
  Decoded decoded;
  CAVEAT_TRY(decode_segment(segment, lo, hi, true, decoded.adds, decoded.removes));
  if (!bytes.empty()) return fail(ErrorCode::internal, "more than one segment");
  return decoded;
}

void mend_checksum(std::string& segment) {
  set_fixed(segment, 24, checksum_around(segment, 24, 8));
}

std::vector<PostingPair> within(const std::vector<PostingPair>& pairs, std::uint64_t lo,
                                std::uint64_t hi) {
  std::vector<PostingPair> some;
  for (const auto& pair : pairs)
    if (pair.term >= lo && pair.term <= hi) some.push_back(pair);
  return some;
}

}  // namespace

TEST_CASE("a segment gives back its pairs, whole and by range") {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    const auto shape = static_cast<Shape>(round % 4);
    const auto pairs = random_pairs(random, shape, below(random, round % 10 == 0 ? 20000 : 300));
    std::string bytes;
    encode_base(pairs, bytes);
    const auto all = decode(bytes);
    REQUIRE(all);
    CHECK(all->adds == pairs);
    auto lo = random_pair(random, shape).term;
    auto hi = random_pair(random, shape).term;
    if (lo > hi) std::swap(lo, hi);
    CHECK(decode(bytes, lo, hi)->adds == within(pairs, lo, hi));
    CHECK(decode(bytes, lo, lo)->adds == within(pairs, lo, lo));

    std::vector<PostingChange> changes;
    Decoded expected;
    for (const auto& pair : pairs) {
      changes.push_back({pair.term, pair.partition, below(random, 2) == 0});
      (changes.back().add ? expected.adds : expected.removes).push_back(pair);
    }
    bytes.clear();
    encode_changes(changes, bytes);
    const auto both = decode(bytes);
    REQUIRE(both);
    CHECK(both->adds == expected.adds);
    CHECK(both->removes == expected.removes);
  }
}

TEST_CASE("both layouts hold the same pairs; the one by partition refuses terms too far apart") {
  Random random(8);
  for (int round = 0; round < 100; ++round) {
    const auto pairs = random_pairs(random, static_cast<Shape>(round % 4), 1 + below(random, 400));
    for (const auto layout : {StreamLayout::by_term, StreamLayout::by_partition}) {
      std::string bytes;
      const bool wide = pairs.back().term - pairs.front().term > kMaxMinorSpan;
      const bool encoded = encode_stream(pairs, layout, bytes);
      CHECK(encoded == !(wide && layout == StreamLayout::by_partition));
      if (!encoded) continue;
      std::vector<PostingPair> decoded;
      std::string_view rest = bytes;
      REQUIRE(
          decode_stream(rest, layout, static_cast<std::uint32_t>(pairs.size()), 0, kAll, decoded));
      CHECK(rest.empty());
      std::sort(decoded.begin(), decoded.end());
      CHECK(decoded == pairs);
    }
  }
}

TEST_CASE("a stream that begins with a partition beyond all ids is refused") {
  for (const std::uint64_t first : {kMaxPartitionId, kMaxPartitionId + 1}) {
    std::string bytes;
    for (const std::uint64_t number : {std::uint64_t{1}, first, std::uint64_t{0}}) {
      put_varint(number, bytes);
    }
    bytes.append(3, '\0');  // a group of one pair: the first major, one minor, no gap
    std::vector<PostingPair> decoded;
    std::string_view rest = bytes;
    const auto done = decode_stream(rest, StreamLayout::by_partition, 1, 0, kAll, decoded);
    CHECK(done.has_value() == (first == kMaxPartitionId));
  }
}

TEST_CASE("long runs of partitions cost next to nothing") {
  std::vector<PostingPair> pairs;
  for (std::uint64_t term = 0; term < 5; ++term)
    for (std::uint64_t id = 1; id <= 2000; ++id) pairs.push_back({term, id});
  std::string bytes;
  encode_base(pairs, bytes);
  CHECK(bytes.size() < kPostingHeaderBytes + 40);
}

TEST_CASE("a segment of which any byte is wrong, or missing, is refused") {
  Random random(9);
  for (const auto shape : {Shape::scattered, Shape::long_runs, Shape::like_times}) {
    const auto pairs = random_pairs(random, shape, 300);
    std::string bytes;
    encode_base(pairs, bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        auto wrong = bytes;
        wrong[i] = static_cast<char>(wrong[i] ^ flip);
        const auto decoded = decode(wrong);
        REQUIRE(!decoded);
        REQUIRE(decoded.error().code() == ErrorCode::corruption);
      }
      REQUIRE(!decode(std::string_view(bytes).substr(0, i)));
    }
  }
}

TEST_CASE("behind a checksum that holds, wrong bytes give an error or pairs, never harm") {
  Random random(10);
  std::size_t refused = 0;
  for (const auto shape : {Shape::scattered, Shape::long_runs, Shape::like_times, Shape::extreme}) {
    std::vector<PostingChange> changes;
    for (const auto& pair : random_pairs(random, shape, 200))
      changes.push_back({pair.term, pair.partition, below(random, 2) == 0});
    std::string bytes;
    encode_changes(changes, bytes);
    for (std::size_t i = 4; i < bytes.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        auto wrong = bytes;
        wrong[i] = static_cast<char>(wrong[i] ^ flip);
        mend_checksum(wrong);
        const auto decoded = decode(wrong);
        if (!decoded) {
          ++refused;
          REQUIRE(decoded.error().code() == ErrorCode::corruption);
          continue;
        }
        REQUIRE(decoded->adds.size() + decoded->removes.size() <= kMaxSegmentPairs);
        for (const auto& pair : decoded->adds) REQUIRE(pair.partition <= kMaxPartitionId);
      }
    }
    for (std::size_t size = kPostingHeaderBytes; size < bytes.size(); ++size) {
      auto cut = bytes.substr(0, size);
      set_fixed(cut, 8, static_cast<std::uint32_t>(size - kPostingHeaderBytes));
      if (cut[7] == 0) set_fixed(cut, 12, static_cast<std::uint32_t>(size - kPostingHeaderBytes));
      mend_checksum(cut);
      REQUIRE(!decode(cut));
    }
  }
  CHECK(refused > 100);
}

// One group, of partition 5: its terms begin at `base`.
TEST_CASE("a group goes no further than the last term, and has no more terms than it says") {
  const auto reads = [](std::uint64_t base, std::uint32_t count, std::string_view tokens) {
    std::string bytes;
    for (const std::uint64_t number :
         {std::uint64_t{1}, std::uint64_t{5}, base, std::uint64_t{0}, std::uint64_t{count} - 1}) {
      put_varint(number, bytes);
    }
    bytes += tokens;
    std::string_view rest(bytes);
    std::vector<PostingPair> out;
    const bool done =
        decode_stream(rest, StreamLayout::by_partition, count, 0, kAll, out).has_value();
    // What is accepted is whole.
    CHECK((!done || (rest.empty() && out.size() == count)));
    CHECK(out.size() <= count);
    return done;
  };
  using namespace std::string_view_literals;
  constexpr std::uint64_t kLast = kAll;
  CHECK(reads(kLast, 1, "\0"sv));
  CHECK(reads(kLast - 1, 2, "\0\0"sv));
  CHECK(reads(kLast - 1, 2, "\x01\0"sv));
  CHECK_FALSE(reads(kLast, 1, "\x02"sv));    // a gap behind the last
  CHECK_FALSE(reads(kLast, 2, "\x01\0"sv));  // a run across it
  CHECK_FALSE(reads(kLast, 2, "\0\0"sv));    // from it on to the first again
  CHECK_FALSE(reads(kLast - 1, 3, "\x01\0\0"sv));
  CHECK(reads(7, 3, "\x01\x01"sv));
  CHECK_FALSE(reads(7, 3, "\x01\x02"sv));  // one more
  CHECK_FALSE(reads(7, 3, "\0\x01\x01"sv));
  CHECK_FALSE(reads(7, 3, "\x01\x7F\0\0"sv));
  // Three pairs in the group, and two in the header.
  std::string_view rest = "\x01\x05\x07\0\x02\0\0\0"sv;
  std::vector<PostingPair> out;
  CHECK_FALSE(decode_stream(rest, StreamLayout::by_partition, 2, 0, kAll, out));
  CHECK(out.size() <= 2);
}

TEST_CASE("a segment that inflates to another size than it says is refused") {
  Random random(11);
  std::string good;
  encode_base(random_pairs(random, Shape::like_times, 3000), good);
  REQUIRE(peek_segment(good)->compression == SegmentCompression::zstd);
  REQUIRE(decode(good));
  const auto plain = peek_segment(good)->plain_bytes;
  for (const std::uint32_t claim : {plain - 1, plain + 1, plain + 100, 2 * plain, 1U}) {
    auto wrong = good;
    set_fixed(wrong, 12, claim);
    mend_checksum(wrong);
    CHECK_FALSE(decode(wrong));
  }
}

TEST_CASE("the headers of a container are added up, as far as they are sound") {
  Random random(12);
  const auto pairs = random_pairs(random, Shape::scattered, 100);
  std::string base, first, second;
  encode_base(pairs, base);
  encode_changes(std::vector<PostingChange>{{1, 1, true}, {1, 2, true}, {2, 1, false}}, first);
  encode_changes(std::vector<PostingChange>{{3, 1, true}, {3, 2, false}, {4, 1, false}}, second);
  const auto summary = summarise(base + first + second);
  CHECK(summary.sound);
  CHECK(summary.bytes == base.size() + first.size() + second.size());
  CHECK(summary.base_bytes == base.size());
  CHECK(summary.change_bytes == first.size() + second.size());
  CHECK(summary.pairs == pairs.size());
  CHECK(summary.adds == 3);
  CHECK(summary.removes == 3);
  CHECK(summarise({}).sound);
  // Nothing that is damaged is asked to be merged, however much it is.
  for (const auto& damaged : {base + first + "x", base + base, first + base, "x" + base}) {
    CHECK_FALSE(summarise(damaged).sound);
    CHECK_FALSE(wants_rewrite(summarise(damaged)));
  }
  ContainerSummary waits;
  waits.change_bytes = 1025;
  CHECK(wants_rewrite(waits));
  waits.change_bytes = 1024;
  CHECK_FALSE(wants_rewrite(waits));
  waits.bytes = 2 * kContainerBytes;
  CHECK_FALSE(wants_rewrite(waits));
  waits.bytes += 1;
  CHECK(wants_rewrite(waits));
  waits.sound = false;
  CHECK_FALSE(wants_rewrite(waits));
  const ContainerSummary large{.base_bytes = 10'000, .change_bytes = 5'000};
  CHECK_FALSE(wants_rewrite(large));
  CHECK(wants_rewrite({.base_bytes = 10'000, .change_bytes = 5'001}));
}

TEST_CASE("claims of a size beyond reason are refused before anything is allocated") {
  const std::vector<PostingPair> pairs = {{1, 2}, {3, 4}};
  std::string good;
  encode_base(pairs, good);
  for (const std::size_t field : {8, 12, 16, 20}) {
    for (const std::uint32_t claim : {1U << 24, ~0U, 1U << 31, kMaxSegmentPairs + 1}) {
      auto wrong = good;
      set_fixed(wrong, field, claim);
      mend_checksum(wrong);
      CHECK(!peek_segment(wrong));
      CHECK(!decode(wrong));
    }
  }
  // Allowed by the header, but not by the stream: a run of all the pairs that may be claimed.
  for (const std::uint32_t claim : {3U, 1000U, kMaxSegmentPairs}) {
    auto wrong = good;
    set_fixed(wrong, 16, claim);
    mend_checksum(wrong);
    CHECK(!decode(wrong));
  }
}

TEST_CASE("segments are laid out as docs/format/posting.md says", "[golden]") {
  HexDump dump;
  std::string bytes;
  const auto note = [&](std::size_t offset, std::string text) {
    dump.note(bytes.size() + offset, std::move(text));
  };
  const auto header = [&](std::string_view kind) {
    note(0, fmt::format("{}: magic, version, kind, layout, compression", kind));
    note(8, "payload bytes stored, plain");
    note(16, "pairs added, removed");
    note(24, "XXH3-64");
  };
  header("base of (5, 10..13) (5, 20) (7, 11)");
  note(32, "groups, first major, base");
  note(35, "majors less the one before, less 1");
  note(37, "minors less 1");
  note(39, "tokens: run 10, of 2 + 2; 20 = 14 + 6; 11 = base + 1");
  encode_base(std::vector<PostingPair>{{5, 10}, {5, 11}, {5, 12}, {5, 13}, {5, 20}, {7, 11}},
              bytes);
  header("changes: add (5, 14), remove (7, 11)");
  note(32, "stream of adds");
  note(38, "stream of removes");
  encode_changes(std::vector<PostingChange>{{5, 14, true}, {7, 11, false}}, bytes);
  header("base of (100..103, 1) (100..102, 2) (101..103, 3)");
  note(32, "by partition: groups, first major, base");
  encode_base(std::vector<PostingPair>{{100, 1},
                                       {100, 2},
                                       {101, 1},
                                       {101, 2},
                                       {101, 3},
                                       {102, 1},
                                       {102, 2},
                                       {102, 3},
                                       {103, 1},
                                       {103, 3}},
              bytes);
  const auto text = dump.text(bytes);
  const auto path = test::test_folder() / "golden" / "segments.hex";
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  CHECK(text == golden);
}

// A lookup that sorts by itself asks for pairs in any order; changes still have to meet their base.
TEST_CASE("changes meet a base of either layout, in whatever order it is read") {
  Random random(11);
  for (const Shape shape : {Shape::scattered, Shape::like_times, Shape::long_runs}) {
    Model model;
    while (model.size() < 3000) model.insert(random_pair(random, shape));
    std::string container;
    encode_base(std::vector<PostingPair>(model.begin(), model.end()), container);
    for (int round = 0; round < 3; ++round) {
      auto changes = random_changes(random, shape, 300, model);
      changes.erase(std::unique(changes.begin(), changes.end(),
                                [](const auto& a, const auto& b) { return a.pair() == b.pair(); }),
                    changes.end());
      encode_changes(changes, container);
      apply_to(model, changes);
      for (const bool ordered : {false, true}) {
        std::vector<PostingPair> pairs;
        REQUIRE(read_container(container, 0, ~std::uint64_t{0}, ordered, pairs));
        if (!ordered) std::sort(pairs.begin(), pairs.end());
        CHECK(std::equal(pairs.begin(), pairs.end(), model.begin(), model.end()));
      }
    }
  }
}

TEST_CASE("a segment's header that claims more than can be is not taken for one") {
  std::string base;
  std::string changes;
  std::vector<PostingPair> pairs;
  for (std::uint64_t i = 0; i < 2000; ++i) pairs.push_back({i / 3, i * i % 977});
  encode_base(pairs, base);
  encode_changes(std::vector<PostingChange>{{1, 1, true}, {2, 1, false}}, changes);
  REQUIRE(peek_segment(base)->compression == SegmentCompression::zstd);
  REQUIRE(peek_segment(changes)->compression == SegmentCompression::none);
  const auto claims = [](std::string segment, std::size_t field, std::uint64_t value) {
    set_fixed(segment, field, static_cast<std::uint32_t>(value));
    return peek_segment(segment).has_value();
  };
  constexpr std::size_t kStored = 8, kPlain = 12, kAdds = 16, kRemoves = 20;
  const std::uint64_t stored = peek_segment(changes)->stored_bytes;
  CHECK(claims(changes, kStored, stored));
  CHECK_FALSE(claims(changes, kStored, stored - 1));  // not as long as it is plain
  CHECK_FALSE(claims(changes, kPlain, stored + 1));
  CHECK_FALSE(claims(base, kStored, base.size()));  // beyond its end
  CHECK_FALSE(claims(base, kStored, peek_segment(base)->plain_bytes + 1));
  CHECK(claims(base, kPlain, kMaxSegmentBytes));
  CHECK_FALSE(claims(base, kPlain, kMaxSegmentBytes + 1));
  for (const std::size_t field : {kAdds, kRemoves}) {
    CHECK(claims(changes, field, kMaxSegmentPairs - 1));
    CHECK_FALSE(claims(changes, field, kMaxSegmentPairs));  // with the one of the other
    CHECK_FALSE(claims(changes, field, kMaxSegmentPairs + 1));
    CHECK_FALSE(claims(changes, field, 0xFFFFFFFF));  // their sum is small again
  }
  CHECK_FALSE(claims(base, kRemoves, 1));  // from nothing
}
