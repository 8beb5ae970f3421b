// Records to lines and back.
#include <catch2/catch.hpp>

#include "engine/model/row.h"
#include "test/model/random_record.h"
#include "test/support/seed.h"
#include "tools/cli/ndjson_reader.h"
#include "tools/cli/ndjson_writer.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

// Reads one line; the padding is junk on purpose.
struct Read {
  Result<ParsedRecord> parsed;
  std::string row;
};
Read read(NdjsonReader& reader, std::string line) {
  const auto size = line.size();
  line.append(kLinePadding, '"');
  std::string row = "before";
  auto parsed = reader.read(std::string_view(line).substr(0, size), row);
  REQUIRE(row.substr(0, 6) == "before");
  return {std::move(parsed), row.substr(6)};
}

std::string line_of(const ExceptionRecord& record, const std::optional<std::string>& name) {
  std::string row;
  encode_store_row(record.key, record.exception, row);
  std::string line;
  append_json_record(decode_trusted_row(row).record, name, line);
  return line;
}

// The reason why a line is refused; "" if it is not.
std::string refusal(const std::string& line) {
  NdjsonReader reader;
  const auto result = read(reader, line);
  if (result.parsed) return "";
  REQUIRE(result.row.empty());
  return result.parsed.error().message();
}

const std::string kGood =
    R"({"node":62,"property":"p","inherited":"Zone","actual":[1,1.0],"reason":"r",)"
    R"("source":"Explicit","created_at":"2021-12-08T01:27:51Z","confidence":1.0})";

std::string with(const std::string& from, const std::string& to) {
  auto line = kGood;
  const auto at = line.find(from);
  REQUIRE(at != std::string::npos);
  return line.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("every record reads back from its line, under a name and under a hash") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  test::RandomRecords random(seed);
  NdjsonReader reader;
  for (int i = 0; i < 3000; ++i) {
    auto record = random.record();
    std::optional<std::string> name;
    if (random.chance(2)) {
      name = "n" + random.string().substr(0, kMaxPropertyNameBytes - 1);
      record.key.property_hash = hash_property(*name);
    }
    const auto line = line_of(record, name);
    INFO(line);
    REQUIRE(line.find('\n') == std::string::npos);
    const auto back = read(reader, line);
    REQUIRE(back.parsed);
    REQUIRE(back.parsed->key == record.key);
    REQUIRE(back.parsed->named == name.has_value());
    if (name) REQUIRE(back.parsed->property == *name);
    REQUIRE(decode_trusted_row(back.row).record.to_record() == record);
  }
}

TEST_CASE("a line of the data sets is written as it was read") {
  const std::string line =
      R"({"node":85,"property":"localeDisplayNames/scripts/script[@type=\"Arab\"]","inherited":)"
      R"("Arab","actual":["Arabies","عربي",2,0.5,null,true],"reason":"af overrides","source":)"
      R"("Conflict","created_at":"2022-01-05T16:48:58Z","confidence":0.2646})";
  NdjsonReader reader;
  const auto back = read(reader, line);
  REQUIRE(back.parsed);
  std::string again;
  append_json_record(decode_trusted_row(back.row).record, std::string(back.parsed->property),
                     again);
  CHECK(again == line);
}

TEST_CASE("integers stay integers and floats stay floats") {
  NdjsonReader reader;
  const auto back = read(reader, kGood);
  REQUIRE(back.parsed);
  const auto exception = decode_trusted_row(back.row).record.to_exception();
  CHECK(exception.actual_value == PropertyValue(PropertyValue::List{1, 1.0}));
}

TEST_CASE("keys may come in any order, with space around them") {
  CHECK(
      refusal(R"( { "confidence" : 1, "created_at":"2021-12-08T01:27:51Z","source":"Imported",)"
              R"("reason":"","actual":null,"inherited":true,"property_hash":18446744073709551615,)"
              R"("node":18446744073709551615 } )") == "");
}

TEST_CASE("lines that break a rule are refused, and the field is named") {
  CHECK(refusal(kGood) == "");
  CHECK(refusal("") == "the line is empty");
  CHECK(refusal("nonsense") == "it is no JSON");
  CHECK(refusal("[1]") == "it is no JSON object");
  CHECK(refusal(kGood + "x") == "it is no JSON");
  CHECK(refusal(kGood.substr(0, kGood.size() - 1)) == "it is no JSON");
  CHECK(refusal(with("\"r\"", "\"\xFF\"")) == "the line is no UTF-8");
  CHECK(refusal(with("\"reason\"", "\"reasons\"")) == "\"reasons\" is no field of a record");
  CHECK(refusal(with("\"reason\":\"r\",", "")) == "reason: the field is missing");
  CHECK(refusal(with("\"property\":\"p\",", "")) == "property: the field is missing");
  CHECK(refusal(with("\"reason\":\"r\"", "\"node\":1")) == "node: the field appears twice");
  CHECK(refusal(with("\"p\"", "\"p\",\"property_hash\":1")) ==
        "property and property_hash exclude each other");
  CHECK(refusal(with(":62", ":-1")) == "node: this is no unsigned integer below 2^64");
  CHECK(refusal(with(":62", ":1.0")) == "node: this is no unsigned integer below 2^64");
  CHECK(refusal(with(":62", ":\"62\"")) == "node: this is no unsigned integer below 2^64");
  CHECK(refusal(with(":62", ":18446744073709551616")) == "a number is malformed or out of range");
  CHECK(refusal(with("\"p\"", "7")) == "property: this is no string");
  CHECK(refusal(with("\"p\"", "\"" + std::string(4097, 'p') + "\"")) ==
        "property: 4097 bytes, and the limit is 4096");
  CHECK(refusal(with("\"Zone\"", "9223372036854775808")) ==
        "inherited: 9223372036854775808 does not fit in 64 bits with a sign");
  CHECK(refusal(with("\"Zone\"", "9223372036854775807")) == "");
  CHECK(refusal(with("\"Zone\"", "1e400")) == "a number is malformed or out of range");
  CHECK(refusal(with("\"Zone\"", "{}")) == "inherited: an object is no value");
  CHECK(refusal(with("\"Zone\"", R"({"$bytes":"*"})")) == "inherited: $bytes is no base64");
  CHECK(refusal(with("\"Zone\"", R"({"$bytes":"Zg==","a":1})")) ==
        "inherited: an object is no value");
  CHECK(refusal(with("\"Zone\"", R"({"$float":"big"})")) ==
        "inherited: $float \"big\" is not inf, -inf or nan:<16 hex digits>");
  CHECK(refusal(with("\"r\"", "null")) == "reason: this is no string");
  CHECK(refusal(with("\"r\"", R"({"$float":"inf"})")) == "reason: this is no string");
  CHECK(refusal(with("Explicit", "explicit")) ==
        "source: \"explicit\" is not Explicit, Detected, Promoted, Conflict or Imported");
  CHECK(refusal(with("2021-12-08T01:27:51Z", "2021-12-08")) ==
        "created_at: \"2021-12-08\" is no RFC 3339 time");
  CHECK(refusal(with("\"confidence\":1.0", "\"confidence\":1.5")) ==
        "confidence: 1.5 is not in [0, 1]");
  CHECK(refusal(with("\"confidence\":1.0", "\"confidence\":\"1\"")) ==
        "confidence: this is no number");
}

TEST_CASE("lists nest to the limit of a value and no deeper") {
  const auto nested = [](std::size_t depth) {
    return with("\"Zone\"", std::string(depth, '[') + std::string(depth, ']'));
  };
  CHECK(refusal(nested(kMaxValueDepth)) == "");
  CHECK(refusal(nested(kMaxValueDepth + 1)) == "inherited: lists are nested more than 16 deep");
  CHECK(refusal(nested(100'000)) == "it is nested too deep");
}

TEST_CASE("a reader goes on after a bad line") {
  NdjsonReader reader;
  CHECK_FALSE(read(reader, "{").parsed);
  CHECK(read(reader, kGood).parsed);
}

TEST_CASE("damaged lines never harm the reader") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  test::RandomRecords random(seed);
  NdjsonReader reader;
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    auto line = line_of(random.record(), "name");
    for (auto flips = 1 + random.below(3); flips > 0; --flips) {
      line[random.below(line.size())] ^= static_cast<char>(1 + random.below(255));
    }
    const auto result = read(reader, line);
    refused += result.parsed ? 0 : 1;
    if (!result.parsed) continue;
    std::string_view rest = result.row;
    REQUIRE(decode_row(rest));
    REQUIRE(rest.empty());
  }
  CHECK(refused > 100);
}
