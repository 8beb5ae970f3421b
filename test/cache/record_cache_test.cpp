// Hot records: valid only under the stamp they were read with.
#include "engine/cache/record_cache.h"

#include <catch2/catch.hpp>
#include <string>

using namespace caveat;

TEST_CASE("smoke") {
  RecordCache cache(1 << 20);
  BlockCache<int> blocks(1 << 20);
  CHECK(blocks.lookup({1, 2}) == nullptr);
  ExceptionView view;
  view.reason = "why";
  CHECK_FALSE(cache.insert({1, 1}, view));
  CHECK(cache.insert({1, 1}, view));
  CHECK(cache.lookup(view.key, {1, 1})->view().reason == "why");
}
