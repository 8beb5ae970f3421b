// What a store says of compression is what it kept.
#include <catch2/catch.hpp>

#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// Rows whose reasons a codec can make smaller, or cannot.
RowSet rows_of(bool compressible) {
  BlockMaker maker(20261126);
  RowSet set;
  for (NodeId node = 1; node <= 100; ++node) {
    BlockRow row;
    row.view.key.node_id = node;
    std::string reason(200, 'x');
    if (!compressible) {
      for (char& c : reason) c = static_cast<char>(maker.below(256));
    } else {
      reason += std::to_string(node);
    }
    row.view.reason = set.keep(std::move(reason));
    set.rows.push_back(row);
  }
  return set;
}

}  // namespace

TEST_CASE("of what a codec could not make smaller, the raw bytes are counted, which are kept") {
  const auto codecs = all_codecs();
  for (const bool compressible : {true, false}) {
    INFO(compressible);
    BlockCounters counters;
    auto context = context_for(codecs, static_cast<CodecId>(CompressionAlgorithm::Zstd));
    context.counters = &counters;
    const auto set = rows_of(compressible);
    std::string block;
    REQUIRE(encode_block(set.rows, context, block));
    CHECK(counters.compressions > 0);
    CHECK(counters.compress_bytes_in >= 100 * 200);
    if (compressible) {
      CHECK(counters.compress_bytes_out < counters.compress_bytes_in / 4);
    } else {
      CHECK(counters.compress_bytes_out == counters.compress_bytes_in);
    }
    CHECK(counters.compress_bytes_out <= block.size());
  }
}
