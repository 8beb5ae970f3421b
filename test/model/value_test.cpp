// Values to bytes and back.
#include <catch2/catch.hpp>

#include "engine/model/value_encoding.h"
#include "test/model/random_record.h"
#include "test/support/seed.h"

using namespace caveat;
using caveat::test::RandomRecords;

namespace {

std::string encoded(const PropertyValue& value) {
  std::string bytes;
  encode_value(value, bytes);
  return bytes;
}

bool refused(std::string bytes) {
  std::string_view rest = bytes;
  const auto value = decode_value(rest);
  return !value && value.error().code() == ErrorCode::corruption;
}

PropertyValue nested(std::size_t depth) {
  PropertyValue value = 1;
  for (std::size_t i = 0; i < depth; ++i) value = PropertyValue::List{value};
  return value;
}

}  // namespace

TEST_CASE("every value reads back as it was, from a view and from an encoding of the view") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  RandomRecords random(seed);
  for (int i = 0; i < 3000; ++i) {
    const auto value = random.value();
    auto bytes = encoded(value);
    REQUIRE(bytes.size() == value_bytes(value));
    std::string_view rest = bytes;
    const auto view = decode_value(rest);
    REQUIRE(view);
    REQUIRE(rest.empty());
    REQUIRE(view->to_value() == value);
    REQUIRE(value_bytes(*view) == bytes.size());
    std::string again;
    encode_value(*view, again);
    REQUIRE(again == bytes);

    std::string payload;
    encode_payload(value, payload);
    REQUIRE(payload.size() == payload_bytes(value));
    const auto checked = checked_value(static_cast<std::uint8_t>(value.kind()), payload);
    REQUIRE(checked);
    REQUIRE(*checked == *view);
    const char* p = bytes.data();
    REQUIRE(take_trusted_value(p) == *view);
    REQUIRE(p == bytes.data() + bytes.size());
  }
}

TEST_CASE("a value cut anywhere is refused") {
  RandomRecords random(7);
  for (int i = 0; i < 300; ++i) {
    const auto bytes = encoded(random.value());
    for (std::size_t length = 0; length < bytes.size() && length < 300; ++length) {
      REQUIRE(refused(bytes.substr(0, length)));
    }
  }
}

TEST_CASE(
    "damaged bytes either read as some value, which encodes to the same bytes, or are refused") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  RandomRecords random(seed);
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  for (int i = 0; i < 4000; ++i) {
    auto bytes = encoded(random.value());
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    std::string_view rest = bytes;
    const auto view = decode_value(rest);
    if (!view) {
      ++rejected;
      continue;
    }
    ++accepted;
    // One encoding for each value: nothing was read that would be written otherwise.
    REQUIRE(encoded(view->to_value()) == bytes.substr(0, bytes.size() - rest.size()));
  }
  CHECK(accepted > 0);
  CHECK(rejected > 0);
}

TEST_CASE("malformed values are refused") {
  using namespace std::string_literals;
  CHECK(refused(""));
  CHECK(refused("\x06"s));                                    // unknown tag
  CHECK(refused("\x01\x02"s));                                // boolean 2
  CHECK(refused("\x02\x80\x00"s));                            // overlong varint
  CHECK(refused("\x02" + std::string(10, '\xFF') + "\x01"));  // eleven bytes
  CHECK(refused("\x02" + std::string(9, '\xFF') + "\x02"));   // 65 bits
  CHECK(
      refused("\x04\x05"
              "abcd"s));  // length beyond the end
  CHECK(refused("\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"s));
  CHECK(refused("\x05\x01\x04"s));      // an element without its length
  CHECK(refused("\x05\x02\x01\x05"s));  // a boolean 5 inside
  CHECK_FALSE(checked_value(0, "x"));
  CHECK_FALSE(checked_value(6, ""));
  CHECK_FALSE(checked_value(2, "\x02\x02"));  // two varints
  CHECK_FALSE(checked_value(3, "1234567"));
}

TEST_CASE("lists nest to the limit and no deeper") {
  std::string_view rest;
  const auto deepest = encoded(nested(kMaxValueDepth));
  rest = deepest;
  REQUIRE(decode_value(rest));
  const auto too_deep = encoded(nested(kMaxValueDepth + 1));
  rest = too_deep;
  REQUIRE_FALSE(decode_value(rest));
  REQUIRE_FALSE(checked_value(5, std::string_view(too_deep).substr(2)));
}

TEST_CASE("a view of another kind reads as nothing") {
  const ValueView text(ValueKind::String, "abc");
  CHECK_FALSE(text.as_boolean());
  CHECK(text.as_integer() == 0);
  CHECK(text.as_float() == 0.0);
  CHECK(text.as_string() == "abc");
  CHECK(ValueView().as_string().empty());
  CHECK(ValueView(ValueKind::Integer, "\x03").as_integer() == -2);
  // Nor does one without its bytes read what is not there.
  CHECK_FALSE(ValueView(ValueKind::Boolean, "").as_boolean());
  CHECK(ValueView(ValueKind::Integer, "").as_integer() == 0);
  CHECK(ValueView(ValueKind::Float, "1234567").as_float() == 0.0);
}
