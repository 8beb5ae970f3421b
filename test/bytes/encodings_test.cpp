// What the encoders make of the same content, version after version: which form they choose for a
// column, in how many bytes, and what is told of it. A change that makes files larger, or another
// form of them, is seen here and made on purpose; golden/encodings.txt then gets the lines that are
// printed.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "indexes/posting_segment.h"
#include "test/block/block_maker.h"
#include "test/indexes/posting_world.h"
#include "test/support/test_folder.h"

namespace caveat::test {

namespace {

struct Encodings {
  std::uint64_t bytes = 0;
  std::uint64_t digest = 0;
  void add(std::string what) {
    what += std::to_string(digest);
    digest = XXH3_64bits(what.data(), what.size());
  }
};

void check(const std::string& name, const Encodings& found) {
  const std::string line = fmt::format("{}: {} bytes, {:016x}", name, found.bytes, found.digest);
  std::ifstream file(test_folder() / "golden" / "encodings.txt");
  std::vector<std::string> golden;
  for (std::string there; std::getline(file, there);) golden.push_back(there);
  INFO(line);
  CHECK(std::find(golden.begin(), golden.end(), line) != golden.end());
}

std::string told(const BlockStatistics& statistics) {
  std::string text = fmt::format("{} {} {}", statistics.raw_bytes, statistics.stored_bytes,
                                 statistics.overhead_bytes);
  for (const auto& c : statistics.columns) {
    text +=
        fmt::format(" {} {} {} {}", c.raw_bytes, c.encoded_bytes, c.compressed_bytes, c.encoding);
  }
  return text;
}

}  // namespace

// Without a codec: what one of them makes of a frame is its own.
TEST_CASE("blocks of the same rows are the bytes they ever were, and so is what is told of them",
          "[bytes]") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Encodings found;
    BlockMaker maker(seed);
    for (int i = 0; i < 60; ++i) {
      const auto set = maker.rows(1 + maker.below(i % 10 == 0 ? 4000 : 150));
      std::string block;
      BlockStatistics statistics;
      REQUIRE(encode_block(set.rows, context_for(codecs, 0), block, &statistics));
      found.bytes += block.size();
      found.add(block);
      found.add(told(statistics));
      found.add(describe_block(block, &resolver).to_text());
      std::vector<std::string> samples;
      collect_dictionary_samples(set.rows, samples);
      for (const auto& sample : samples) found.add(sample);
    }
    check("blocks " + std::to_string(seed), found);
  }
}

TEST_CASE("what statistics of a block tell adds up to the block", "[bytes]") {
  const auto codecs = all_codecs();
  BlockMaker maker(5);
  for (int i = 0; i < 20; ++i) {
    const auto set = maker.rows(1 + maker.below(200));
    std::string block;
    BlockStatistics statistics;
    REQUIRE(encode_block(set.rows, context_for(codecs, 0), block, &statistics));
    std::uint64_t raw = 0, stored = 0, values = 0;
    for (const auto& row : set.rows) {
      values += row.view.inherited_value.payload().size() + row.view.actual_value.payload().size();
    }
    for (const auto& column : statistics.columns) {
      raw += column.raw_bytes;
      stored += column.compressed_bytes;
      // Each string has a separator or a length as well, which is the frame's.
      CHECK(column.encoded_bytes <= column.compressed_bytes + 1);
    }
    CHECK(raw == statistics.raw_bytes);
    CHECK(statistics.stored_bytes == block.size());
    const auto& columns = statistics.columns;
    CHECK(columns[static_cast<std::size_t>(BlockColumn::inherited)].raw_bytes +
              columns[static_cast<std::size_t>(BlockColumn::actual)].raw_bytes >=
          values);
    // Shares are rounded down, one for each column of strings.
    CHECK(stored + statistics.overhead_bytes <= block.size());
    CHECK(stored + statistics.overhead_bytes + 3 >= block.size());
  }
}

// Of values with every byte there is, ends are told by lengths: a frame with nothing but the empty
// string then has no bytes to share.
TEST_CASE("statistics of a block whose only reason is empty are told beside values of all bytes",
          "[bytes]") {
  const auto codecs = all_codecs();
  BlockMaker maker(9);
  RowSet set;
  for (NodeId node = 0; node < 100; ++node) {
    BlockRow row;
    row.view.key.node_id = node;
    row.view.inherited_value = row.view.actual_value = {
        ValueKind::String, set.keep(maker.text(200, true) + std::to_string(node))};
    row.view.confidence = 1;
    set.rows.push_back(row);
  }
  for (const CodecId codec : {CodecId{0}, CodecId{1}, CodecId{2}}) {
    std::string block;
    BlockStatistics statistics;
    REQUIRE(encode_block(set.rows, context_for(codecs, codec), block, &statistics));
    CHECK(statistics.stored_bytes == block.size());
    CHECK(statistics.columns[static_cast<std::size_t>(BlockColumn::reason)].encoded_bytes < 10);
    const SimpleBlockResolver resolver(codecs);
    const auto size = block.size();
    const auto opened =
        DecodedBlock::open(std::make_shared<const std::string>(block), 0, size, resolver);
    REQUIRE(opened);
    REQUIRE((*opened)->load(kAllColumns));
    CHECK((*opened)->view(99).reason.empty());
  }
}

TEST_CASE("segments of the same postings are laid out as they ever were", "[bytes]") {
  Random random(3);
  Encodings found;
  for (int round = 0; round < 200; ++round) {
    Model model;
    const auto shape = static_cast<Shape>(round % 4);
    for (std::uint64_t i = below(random, 400); i > 0; --i) model.insert(random_pair(random, shape));
    const std::vector<PostingPair> pairs(model.begin(), model.end());
    std::vector<PostingChange> changes;
    for (const auto& pair : pairs)
      changes.push_back({pair.term, pair.partition, random() % 3 != 0});
    std::string base, changed;
    if (!pairs.empty()) posting::encode_base(pairs, base);
    if (!pairs.empty()) posting::encode_changes(changes, changed);
    for (const auto& segment : {base, changed}) {
      const auto header = posting::peek_segment(segment);
      if (!header) continue;
      found.bytes += header->plain_bytes;
      found.add(fmt::format("{} {} {} {} {}", static_cast<int>(header->kind),
                            static_cast<int>(header->layout), header->plain_bytes, header->adds,
                            header->removes));
      // What zstd makes of it is its own.
      if (header->compression == posting::SegmentCompression::none) found.add(segment);
    }
  }
  check("segments", found);
}

}  // namespace caveat::test
