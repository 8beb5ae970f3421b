#include <catch2/catch.hpp>

#include "caveat/compressed_block.h"

using namespace caveat;

TEST_CASE("a block of one row comes back") {
  const auto codecs = CodecRegistry::built_in(3);
  BlockRow row;
  row.view.key.node_id = ~0ULL;
  row.view.reason = "because";
  row.view.created_at = INT64_MIN;
  row.property_id = 7;
  BlockContext context;
  context.codec_id = 2;
  context.codec = codecs.find(2).value();
  context.as_of = 99;
  auto block = CompressedBlock::encode({&row, 1}, context);
  REQUIRE(block);
  const SimpleBlockResolver resolver(codecs);
  auto opened = block->open(resolver);
  REQUIRE(opened);
  REQUIRE((*opened)->find(~0ULL, 7) == 0U);
  ExceptionView out;
  REQUIRE((*opened)->materialise(0, out));
  CHECK(out.reason == "because");
  CHECK(out.created_at == INT64_MIN);
}
