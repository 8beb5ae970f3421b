// What goes into a block comes out of it, whatever it is and whoever compressed it.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "engine/model/row.h"
#include "test/block/block_maker.h"
#include "test/support/seed.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// Reads everything back three ways: by key, one by one, and as a whole.
void require_round_trip(const RowSet& set, const BlockContext& context,
                        const BlockResolver& resolver) {
  const auto block = CompressedBlock::encode(set.rows, context);
  REQUIRE(block);
  std::uint64_t raw = 0;
  for (const auto& row : set.rows) raw += plain_row_bytes(row.view);
  REQUIRE(block->header().row_count == set.rows.size());
  REQUIRE(block->header().raw_bytes == raw);
  REQUIRE(block->header().as_of == context.as_of);
  REQUIRE(segment_bytes(block->bytes()).value() == block->bytes().size());

  const auto one_by_one = block->open(resolver).value();
  const auto whole = block->open(resolver).value();
  REQUIRE(whole->load(kAllColumns));
  const auto in_halves = block->open(resolver, Reasons::halves).value();
  RowRoom room;
  for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
    const BlockRow& expected = set.rows[row];
    const NodeId node = expected.view.key.node_id;
    if (one_by_one->find(node, expected.property_id) != row) FAIL("row " << row << " not found");
    ExceptionView view;
    view.key.property_hash = 42;
    const auto done = one_by_one->materialise(row, view);
    if (!done) FAIL(done.error().message());
    if (!same_record(view, expected.view)) FAIL("row " << row << " differs");
    if (view.key.property_hash != 42) FAIL("the caller's hash is lost");
    if (!same_record(whole->view(row), expected.view)) FAIL("row " << row << " differs as a whole");
    if (!in_halves->materialise(row, view, room) || !same_record(view, expected.view))
      FAIL("row " << row << " differs in halves");
    const auto [first, last] = whole->node_range(node);
    if (row < first || row >= last) FAIL("row " << row << " is not among its node's");
    if (whole->property_id(row) != expected.property_id) FAIL("property of row " << row);
  }
}

}  // namespace

TEST_CASE("random blocks come back with every codec") {
  const std::uint64_t seed = chosen_seed();
  CAPTURE(seed);
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(seed);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const auto set = maker.rows(1 + maker.below(maker.one_in(20) ? 4096 : 300));
    const CodecId codec = std::array<CodecId, 4>{0, 1, 2, kRunCodec}[maker.below(4)];
    require_round_trip(set, context_for(codecs, codec), resolver);
  }
}

TEST_CASE("every integer encoding is chosen by some block") {
  const auto codecs = all_codecs();
  BlockMaker maker(7);
  std::string seen;
  for (int round = 0; round < 300; ++round) {
    BlockStatistics statistics;
    std::string out;
    const auto set = maker.rows(1 + maker.below(300));
    REQUIRE(encode_block(set.rows, context_for(codecs, 0), out, &statistics));
    for (const auto& column : statistics.columns) seen += column.encoding + " ";
  }
  for (const char* encoding :
       {"constant", "packed", "delta", "runs", "sparse", "dictionary", "fresh", "node_delta",
        "by_node", "by_property", "local:", "direct:", "decimal:", "bits:", "whole:", "split:"}) {
    CAPTURE(encoding);
    CHECK(seen.find(encoding) != std::string::npos);
  }
}

TEST_CASE("blocks hold the extremes") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto context = context_for(codecs, 2);
  RowSet set;
  const auto add = [&](NodeId node, std::uint32_t property) -> BlockRow& {
    BlockRow row;
    row.view.key.node_id = node;
    row.property_id = property;
    set.rows.push_back(row);
    return set.rows.back();
  };
  SECTION("one row of nothing") {
    add(0, 0);
  }
  SECTION("one row of the largest numbers") {
    auto& row = add(~0ULL, ~0U);
    row.view.created_at = INT64_MAX;
    row.view.source = ExceptionSource::Imported;
  }
  SECTION("times at both ends") {
    add(0, 0).view.created_at = INT64_MIN;
    add(0, 1).view.created_at = INT64_MAX;
    add(~0ULL, 0).view.created_at = 0;
  }
  SECTION("a string larger than a frame, among small ones") {
    add(1, 1).view.reason = "small";
    add(1, 2).view.reason = set.keep(std::string(100'000, 'x'));
    add(1, 3).view.reason = set.keep(std::string(kBlockFrameBytes, 'y'));
    add(1, 4).view.reason = "small too";
  }
  SECTION("4096 rows of one node") {
    for (std::uint32_t i = 0; i < 4096; ++i) add(5, i * 3);
  }
  SECTION("4096 nodes, all strings distinct, all bytes used") {
    for (std::uint32_t i = 0; i < 4096; ++i) {
      auto& row = add(i * 1000ULL, i);
      row.view.inherited_value = {ValueKind::String, set.keep("i" + std::to_string(i))};
      row.view.actual_value = {ValueKind::String, set.keep("a" + std::to_string(i))};
      std::string reason = "r" + std::to_string(i);
      reason.push_back(static_cast<char>(i));
      row.view.reason = set.keep(reason);
    }
  }
  SECTION("lists in lists as deep as allowed") {
    PropertyValue value(1.5);
    for (std::size_t i = 0; i < kMaxValueDepth; ++i) value = PropertyValue::List{value, "x"};
    add(1, 1).view.actual_value = set.value(value);
  }
  require_round_trip(set, context, resolver);
}

TEST_CASE("incompressible rows cost no more than raw and the header") {
  const auto codecs = all_codecs();
  std::mt19937_64 random(11);
  for (const std::size_t count : {1, 2, 100, 4096}) {
    RowSet set;
    for (std::size_t i = 0; i < count; ++i) {
      BlockRow row;
      row.view.key.node_id = random();
      row.property_id = static_cast<std::uint32_t>(random());
      row.view.created_at = static_cast<std::int64_t>(random());
      row.view.confidence = static_cast<float>(random() >> 40) / static_cast<float>(1 << 24);
      row.view.source = static_cast<ExceptionSource>(random() % 5);
      const auto noise = [&] {
        std::string bytes(random() % 60, ' ');
        for (char& c : bytes) c = static_cast<char>(random());
        return set.keep(bytes);
      };
      row.view.inherited_value = {ValueKind::String, noise()};
      row.view.actual_value = {ValueKind::String, noise()};
      row.view.reason = noise();
      set.rows.push_back(row);
    }
    set.sort();
    for (const CodecId codec : {CodecId{0}, CodecId{1}, CodecId{2}}) {
      const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
      CAPTURE(count, int{codec});
      CHECK(block.bytes().size() <= block.header().raw_bytes + 36 + 60);
    }
  }
}

TEST_CASE("the encoder refuses rows that are no block and leaves the output alone") {
  const auto codecs = all_codecs();
  const auto context = context_for(codecs, 2);
  std::string out = "kept";
  CHECK(encode_block({}, context, out).error().code() == ErrorCode::invalid_argument);
  RowSet set;
  set.rows.resize(2);
  CHECK(encode_block(set.rows, context, out).error().code() == ErrorCode::invalid_argument);
  set.rows[0].property_id = 1;
  CHECK(encode_block(set.rows, context, out).error().code() == ErrorCode::invalid_argument);
  set.rows.assign(4097, {});
  for (std::uint32_t i = 0; i < 4097; ++i) set.rows[i].property_id = i;
  CHECK(encode_block(set.rows, context, out).error().code() == ErrorCode::invalid_argument);
  CHECK(out == "kept");
}

TEST_CASE("keys that are not there are not found") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  RowSet set;
  for (const NodeId node : {10, 20, 30})
    for (const std::uint32_t property : {2, 4}) {
      BlockRow row;
      row.view.key.node_id = node;
      row.property_id = property;
      set.rows.push_back(row);
    }
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  const auto opened = block.open(resolver).value();
  for (NodeId node = 0; node < 40; ++node)
    for (std::uint32_t property = 0; property < 6; ++property) {
      const bool there = node % 10 == 0 && node != 0 && (property == 2 || property == 4);
      CHECK(opened->find(node, property).has_value() == there);
    }
  CHECK(opened->node_range(5) == std::pair(0U, 0U));
  CHECK(opened->node_range(15) == std::pair(2U, 2U));
  CHECK(opened->node_range(20) == std::pair(2U, 4U));
  CHECK(opened->node_range(99) == std::pair(6U, 6U));
}

TEST_CASE("several threads may inflate one block at once", "[threads]") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(3);
  for (int round = 0; round < 20; ++round) {
    const auto set = maker.rows(300);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
    const auto opened = block.open(resolver).value();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        if (t == 3 && !opened->load(kAllColumns)) ++wrong;
        for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
          ExceptionView view;
          if (!opened->materialise(row, view) || !same_record(view, set.rows[row].view)) ++wrong;
        }
      });
    for (auto& thread : threads) thread.join();
    REQUIRE(wrong == 0);
  }
}
