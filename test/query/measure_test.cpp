// What queries cost, in CPU time per record, with decoded blocks at hand: ./test_query [.measure]
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <ctime>

#include "test/query/query_world.h"

namespace caveat::test {
namespace {

template <class Work>
void measure(const char* what, std::uint64_t repeats, const Work& work) {
  std::uint64_t results = work();  // warms up
  const std::clock_t begin = std::clock();
  results = 0;
  for (std::uint64_t i = 0; i < repeats; ++i) results += work();
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  WARN(fmt::format("{:<44} {:>9} results, {:>7.1f} ns each, {:>6.2f} M/s", what, results / repeats,
                   seconds * 1e9 / static_cast<double>(results),
                   static_cast<double>(results) / seconds / 1e6));
}

std::uint64_t stream(QueryWorld& world, const Query& query) {
  auto cursor = open_cursor(world.context(), world.view(), query);
  std::uint64_t results = 0;
  while (cursor.value().next().value() != nullptr) ++results;
  return results;
}

}  // namespace

TEST_CASE("what queries cost", "[.measure]") {
  WorldOptions options;
  options.nodes = 40000;
  options.properties = 20;
  options.base_records = 200000;
  options.partition_rows = 256;
  options.uneven = false;
  options.clears = 0;
  options.generations = 1;
  for (const std::size_t recent : {0, 2000}) {
    options.run_writes = 0;
    options.delta_writes = recent;
    QueryWorld world(1, options);
    world.reader().keep_images = true;
    WARN(recent << " recent rows");
    measure("scan in key order", 5, [&] { return stream(world, {}); });
    Query query;
    query.confidence = {0.2F, 0.3F};
    measure("confidence range", 20, [&] { return stream(world, query); });
    query = {};
    query.source = ExceptionSource::Detected;
    measure("source", 20, [&] { return stream(world, query); });
    measure("count of a source", 20,
            [&] { return count_matches(world.context(), *world.view(), query).value(); });
    query = {};
    query.property = world.property(3);
    measure("property", 20, [&] { return stream(world, query); });
    query = {};
    query.order = QueryOrder::confidence;
    query.descending = true;
    measure("all by confidence, descending", 2, [&] { return stream(world, query); });
    query.limit = 10;
    measure("ten by confidence, descending", 100, [&] { return stream(world, query); });
    query.order = QueryOrder::time;
    measure("ten by time, descending", 100, [&] { return stream(world, query); });
    query.order = QueryOrder::key;
    measure("ten by key, descending", 100, [&] { return stream(world, query); });
  }
}

}  // namespace caveat::test
