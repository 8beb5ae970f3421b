// Times and ranges as text.
#include <catch2/catch.hpp>
#include <limits>

#include "test/model/random_record.h"
#include "test/support/seed.h"
#include "tools/cli/time_text.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kNewYear2022 = 1'640'995'200 * kSecond;

std::string text_of(std::int64_t time) {
  std::string text;
  append_time(time, text);
  return text;
}

}  // namespace

TEST_CASE("times are RFC 3339 in UTC without trailing zeros") {
  CHECK(text_of(0) == "1970-01-01T00:00:00Z");
  CHECK(text_of(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(text_of(kNewYear2022) == "2022-01-01T00:00:00Z");
  CHECK(text_of(kNewYear2022 + 120'000'000) == "2022-01-01T00:00:00.12Z");
  CHECK(text_of(kMin) == "1677-09-21T00:12:43.145224192Z");
  CHECK(text_of(kMax) == "2262-04-11T23:47:16.854775807Z");
}

TEST_CASE("every time reads back") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  test::RandomRecords random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto time = random.integer();
    REQUIRE(parse_time(text_of(time)).value() == time);
  }
}

TEST_CASE("times are read with offsets and fractions") {
  CHECK(parse_time("2022-01-01T00:00:00Z").value() == kNewYear2022);
  CHECK(parse_time("2022-01-01t00:00:00z").value() == kNewYear2022);
  CHECK(parse_time("2022-01-01T01:30:00+01:30").value() == kNewYear2022);
  CHECK(parse_time("2021-12-31T16:00:00-08:00").value() == kNewYear2022);
  CHECK(parse_time("2022-01-01T00:00:00.5Z").value() == kNewYear2022 + kSecond / 2);
  CHECK(parse_time("2020-02-29T00:00:00Z"));
}

TEST_CASE("what is no time is refused") {
  for (const auto* bad : {"",
                          "2022-01-01",
                          "2022-01-01T00:00:00",
                          "2022-01-01 00:00:00Z",
                          "2022-13-01T00:00:00Z",
                          "2022-02-30T00:00:00Z",
                          "2021-02-29T00:00:00Z",
                          "2022-01-01T24:00:00Z",
                          "2022-01-01T00:60:00Z",
                          "2022-01-01T00:00:60Z",
                          "2022-01-01T00:00:00.Z",
                          "2022-01-01T00:00:00.1234567890Z",
                          "2022-01-01T00:00:00+1:00",
                          "2022-01-01T00:00:00ZZ",
                          "2022-1-01T00:00:00Z",
                          "+022-01-01T00:00:00Z",
                          "1677-09-21T00:12:43Z",
                          "2262-04-11T23:47:17Z",
                          "0000-01-01T00:00:00Z",
                          "9999-12-31T23:59:59Z"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad));
  }
}

TEST_CASE("a date is the whole day") {
  const auto january = parse_time_range("2022-01-01..2022-01-31").value();
  CHECK(january.start_ns == kNewYear2022);
  CHECK(january.end_ns == kNewYear2022 + 31 * kDay - 1);
  const auto one_day = parse_time_range("2022-01-01").value();
  CHECK(one_day.start_ns == kNewYear2022);
  CHECK(one_day.end_ns == kNewYear2022 + kDay - 1);
}

TEST_CASE("time ranges may be open, mixed, or one instant") {
  CHECK(parse_time_range("2022-01-01..").value().end_ns == kMax);
  CHECK(parse_time_range("..2022-01-01").value().start_ns == kMin);
  const auto mixed = parse_time_range("2022-01-01..2022-01-01T00:00:00.25Z").value();
  CHECK(mixed.end_ns == kNewYear2022 + kSecond / 4);
  const auto instant = parse_time_range("2022-01-01T00:00:00Z").value();
  CHECK(instant.start_ns == instant.end_ns);
  for (const auto* bad : {"", "..", "2022-01-02..2022-01-01", "yesterday..", "2022-02-30.."}) {
    INFO(bad);
    CHECK_FALSE(parse_time_range(bad));
  }
}

TEST_CASE("confidence ranges are those of the stored floats") {
  const auto range = parse_confidence_range("0.5..0.7").value();
  CHECK(range.min == 0.5F);
  CHECK(range.max == 0.7F);
  CHECK(parse_confidence_range("0.7").value().min == 0.7F);
  CHECK(parse_confidence_range("0.7").value().max == 0.7F);
  CHECK(parse_confidence_range("..1").value().min == 0.0F);
  CHECK(parse_confidence_range("0..").value().max == 1.0F);
  for (const auto* bad :
       {"", "..", "0.7..0.5", "1.1", "-0.1..", "nan", "0,5", "0.5...0.7", "inf"}) {
    INFO(bad);
    CHECK_FALSE(parse_confidence_range(bad));
  }
}
