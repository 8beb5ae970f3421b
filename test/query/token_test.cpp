#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "engine/query/resume_token.h"
#include "test/model/random_record.h"
#include "test/query/query_world.h"
#include "test/support/seed.h"

namespace caveat::test {
namespace {

using detail::decode_resume_token;
using detail::encode_resume_token;
using detail::query_fingerprint;
using detail::SortPosition;

}  // namespace

TEST_CASE("a resume token gives back its position", "[token]") {
  const auto seed = chosen_seed();
  INFO("seed " << seed);
  RandomRecords random(seed);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t fingerprint = random.number();
    std::optional<SortPosition> after;
    if (!random.chance(5)) after = SortPosition{random.number(), random.record().key};
    const auto text = encode_resume_token(fingerprint, after);
    const auto back = decode_resume_token(text, fingerprint);
    REQUIRE(back);
    REQUIRE(*back == after);
    const auto other = decode_resume_token(text, fingerprint + 1);
    REQUIRE(!other);
    REQUIRE(other.error().code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("the resume token's layout stays as documented", "[token]") {
  // The worked example of docs/format/resume_token.md.
  Query query;
  query.source = ExceptionSource::Detected;
  query.order = QueryOrder::confidence;
  query.descending = true;
  const SortPosition after{detail::sort_value(0.5F), {17, 0x1122334455667788}};
  CHECK(query_fingerprint(query) == 0xE7783A932F7DDA4BULL);
  CHECK(encode_resume_token(query_fingerprint(query), after) ==
        "0101000000000000"    // version, after, reserved
        "4bda7d2f933a78e7"    // fingerprint
        "0000003f00000000"    // 0.5
        "1100000000000000"    // node 17
        "8877665544332211"    // property hash
        "e8e31aef8a2c5405");  // check
}

TEST_CASE("a token that was altered anywhere is refused", "[token]") {
  const SortPosition after{7, {1, 2}};
  const auto text = encode_resume_token(99, after);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : std::string("0123456789abcdefABCDEF gz\0\xFF", 27)) {
      if (c == text[i]) continue;
      auto altered = text;
      altered[i] = c;
      const auto got = decode_resume_token(altered, 99);
      REQUIRE(!got);
      REQUIRE(got.error().code() == ErrorCode::invalid_argument);
    }
    REQUIRE(!decode_resume_token(text.substr(0, i), 99));
  }
  REQUIRE(!decode_resume_token(text + "0", 99));
  REQUIRE(!decode_resume_token(text + text, 99));
}

TEST_CASE("every part of a query but its limit is in the fingerprint", "[token]") {
  std::vector<Query> queries(1);
  const auto vary = [&](auto change) {
    Query query;
    change(query);
    queries.push_back(query);
  };
  vary([](Query& q) { q.node = 0; });
  vary([](Query& q) { q.node = 1; });
  vary([](Query& q) { q.nodes = {0, 0}; });
  vary([](Query& q) { q.nodes = {0, 1}; });
  vary([](Query& q) { q.nodes = {1, 1}; });
  vary([](Query& q) { q.nodes = Query::NodeRange(); });
  vary([](Query& q) { q.property = 0; });
  vary([](Query& q) { q.property = 1; });
  vary([](Query& q) { q.source = ExceptionSource::Explicit; });
  vary([](Query& q) { q.source = ExceptionSource::Imported; });
  vary([](Query& q) { q.confidence = {0.0F, 1.0F}; });
  vary([](Query& q) { q.confidence = {0.0F, 0.5F}; });
  vary([](Query& q) { q.confidence = {0.5F, 1.0F}; });
  vary([](Query& q) { q.time = {0, 0}; });
  vary([](Query& q) { q.time = {0, 1}; });
  vary([](Query& q) { q.time = {-1, 0}; });
  vary([](Query& q) { q.order = QueryOrder::confidence; });
  vary([](Query& q) { q.order = QueryOrder::time; });
  vary([](Query& q) { q.descending = true; });
  std::set<std::uint64_t> seen;
  for (const auto& query : queries) CHECK(seen.insert(query_fingerprint(query)).second);
  Query limited;
  limited.limit = 3;
  limited.resume_token = "x";
  CHECK(query_fingerprint(limited) == query_fingerprint(Query{}));
}

TEST_CASE("a token of another query, or a damaged one, opens no cursor", "[token]") {
  QueryWorld world(1, {});
  Query query;
  query.order = QueryOrder::time;
  auto cursor = open_cursor(world.context(), world.view(), query);
  REQUIRE(cursor);
  const auto start = cursor->resume_token();
  REQUIRE(cursor->next());
  const auto token = cursor->resume_token();
  CHECK(token != start);

  const auto refused = [&](Query bad) {
    const auto opened = open_cursor(world.context(), world.view(), bad);
    const auto counted = count_matches(world.context(), *world.view(), bad);
    const auto explained = explain_query(world.context(), *world.view(), bad);
    return !opened && opened.error().code() == ErrorCode::invalid_argument && !counted &&
           !explained;
  };
  query.resume_token = token;
  CHECK(!refused(query));
  query.limit = 3;
  CHECK(!refused(query));
  query.descending = true;
  CHECK(refused(query));
  query.descending = false;
  query.source = ExceptionSource::Explicit;
  CHECK(refused(query));
  query.source.reset();
  query.resume_token = "not a token";
  CHECK(refused(query));
  // A start token begins at the beginning, and gives itself again.
  query.resume_token = start;
  auto again = open_cursor(world.context(), world.view(), query);
  REQUIRE(again);
  CHECK(again->resume_token() == start);
  // Positions that no result has: forged, yet sealed with a right checksum.
  for (const std::uint64_t value : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 40}) {
    for (const auto order : {QueryOrder::key, QueryOrder::confidence, QueryOrder::time}) {
      for (const bool descending : {false, true}) {
        Query forged;
        forged.order = order;
        forged.descending = descending;
        forged.resume_token =
            encode_resume_token(query_fingerprint(forged), SortPosition{value, {value, value}});
        const auto records = collect_matches(world.context(), *world.view(), forged);
        REQUIRE(records);
        const auto count = count_matches(world.context(), *world.view(), forged);
        REQUIRE(count);
        CHECK(*count == records->size());
      }
    }
  }
}

}  // namespace caveat::test
