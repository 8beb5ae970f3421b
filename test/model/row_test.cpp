// Rows to bytes and back; what validate refuses.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/model/row.h"
#include "engine/model/varint.h"
#include "test/model/random_record.h"
#include "test/support/seed.h"

using namespace caveat;
using caveat::test::RandomRecords;

namespace {

std::string encoded(const ExceptionRecord& record) {
  std::string bytes;
  encode_store_row(record.key, record.exception, bytes);
  return bytes;
}

std::string message(const Exception& exception) {
  const auto valid = validate(exception);
  return valid ? "" : valid.error().message();
}

}  // namespace

TEST_CASE("every record reads back from its row, checked and trusted alike") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  RandomRecords random(seed);
  for (int i = 0; i < 2000; ++i) {
    const auto record = random.record();
    REQUIRE(validate(record.exception));
    const auto bytes = encoded(record);
    REQUIRE(bytes.size() == encoded_row_bytes(record.exception));

    const auto padded = bytes + "next";
    std::string_view rest = padded;
    const auto row = decode_row(rest);
    REQUIRE(row);
    REQUIRE(rest == "next");
    REQUIRE(row->kind == RowKind::store);
    REQUIRE(row->record.to_record() == record);
    REQUIRE(plain_row_bytes(row->record) == bytes.size() - 1);
    REQUIRE(validate_view(row->record));

    REQUIRE(decode_trusted_row(padded).record.to_record() == record);
    std::string again;
    encode_row(*row, again);
    REQUIRE(again == bytes);
  }
}

TEST_CASE("a row cut anywhere is refused, and damage never reads as what is not there") {
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  RandomRecords random(seed);
  for (int i = 0; i < 300; ++i) {
    const auto bytes = encoded(random.record());
    for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 100) {
      // A copy of its own, so that the sanitizer sees a read past the end.
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<long>(length));
      std::string_view rest(cut.data(), cut.size());
      REQUIRE_FALSE(decode_row(rest));
    }
    for (int flip = 0; flip < 20; ++flip) {
      auto damaged = bytes;
      damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
      std::string_view rest = damaged;
      const auto row = decode_row(rest);
      if (!row) continue;
      std::string again;
      encode_row(*row, again);
      REQUIRE(again == damaged.substr(0, damaged.size() - rest.size()));
    }
  }
}

TEST_CASE("removals and clears keep the part of the key that counts, and no more") {
  for (const auto kind : {RowKind::remove, RowKind::clear_node, RowKind::clear_property}) {
    RowView row{kind, {}};
    row.record.key = {7, 9};
    std::string bytes;
    encode_row(row, bytes);
    REQUIRE(bytes.size() == kRowKeyBytes);
    REQUIRE(encoded_row_bytes(row) == kRowKeyBytes);
    std::string_view rest = bytes;
    const auto back = decode_row(rest);
    REQUIRE(back);
    CHECK(back->kind == kind);
    CHECK(back->record.key.node_id == (kind == RowKind::clear_property ? 0 : 7));
    CHECK(back->record.key.property_hash == (kind == RowKind::clear_node ? 0 : 9));
    CHECK(decode_trusted_row(bytes).record.key == back->record.key);
  }
  std::string clear_node(kRowKeyBytes, '\1');
  clear_node[0] = 3;
  std::string_view rest = clear_node;
  CHECK_FALSE(decode_row(rest));
}

TEST_CASE("a row's fixed fields are checked") {
  const auto good = encoded({{1, 2}, Exception{}});
  const auto refused = [&](std::size_t offset, auto value) {
    auto bytes = good;
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
    std::string_view rest = bytes;
    return !decode_row(rest);
  };
  CHECK(refused(0, std::uint8_t{0}));
  CHECK(refused(0, std::uint8_t{5}));
  CHECK(refused(17, std::uint8_t{5}));
  CHECK(refused(18, -0.0F));
  CHECK(refused(18, 1.5F));
  CHECK(refused(18, std::numeric_limits<float>::quiet_NaN()));
  CHECK_FALSE(refused(18, 0.5F));
}

TEST_CASE("minus zero confidence is stored as plus zero") {
  Exception exception;
  exception.confidence = -0.0F;
  REQUIRE(validate(exception));
  const auto bytes = encoded({{1, 2}, exception});
  CHECK_FALSE(std::signbit(decode_trusted_row(bytes).record.confidence));
}

TEST_CASE("validate names the field that breaks a rule") {
  Exception exception;
  CHECK(message(exception).empty());
  for (const float bad : {-0.1F, 1.0001F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    exception.confidence = bad;
    CHECK(message(exception).rfind("confidence:", 0) == 0);
  }
  exception = {};
  exception.source = static_cast<ExceptionSource>(5);
  CHECK(message(exception).rfind("source:", 0) == 0);

  exception = {};
  for (int i = 0; i < 16; ++i) exception.actual_value = PropertyValue::List{exception.actual_value};
  CHECK(message(exception).empty());
  exception.actual_value = PropertyValue::List{exception.actual_value};
  CHECK(message(exception).rfind("actual_value: lists are nested", 0) == 0);
  CHECK(validate(exception).error().code() == ErrorCode::limit_exceeded);
}

TEST_CASE("the largest record is stored, one byte more is refused") {
  Exception exception;
  // 30 fixed bytes, two nulls, and a length of four varint bytes.
  exception.reason.assign(kMaxRecordBytes - 30 - 2 - 4, 'r');
  REQUIRE(encoded_row_bytes(exception) == kMaxRecordBytes);
  CHECK(validate(exception));
  const auto bytes = encoded({{1, 2}, exception});
  std::string_view rest = bytes;
  CHECK(decode_row(rest));

  exception.reason.push_back('r');
  CHECK(message(exception).rfind("reason:", 0) == 0);
  // The largest of its parts is what to look at.
  Exception parts;
  const std::string large(kMaxRecordBytes / 2, 'l');
  parts.inherited_value = large + "x";
  parts.actual_value = large;
  CHECK(message(parts).rfind("inherited_value:", 0) == 0);
  parts.actual_value = large + "xx";
  CHECK(message(parts).rfind("actual_value:", 0) == 0);
  parts.reason = large + "xxxxxxxxxxxx";
  CHECK(message(parts).rfind("reason:", 0) == 0);
  const auto too_long = encoded({{1, 2}, exception});
  rest = too_long;
  CHECK_FALSE(decode_row(rest));
}

TEST_CASE("varints have one encoding for each number") {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t delta : {0U, 1U}) {
      const auto value = (std::uint64_t{1} << shift) - delta;
      std::string bytes;
      put_varint(value, bytes);
      REQUIRE(bytes.size() == varint_bytes(value));
      char memory[kMaxVarintBytes];
      REQUIRE(std::string_view(memory, write_varint(value, memory)) == bytes);
      std::string_view rest = bytes;
      std::uint64_t back = 0;
      REQUIRE(take_varint(rest, back));
      REQUIRE(back == value);
      REQUIRE(rest.empty());
      const auto number = static_cast<std::int64_t>(value);
      REQUIRE(unzigzag(zigzag(number)) == number);
      REQUIRE(unzigzag(zigzag(~number)) == ~number);
    }
  }
}

TEST_CASE("a varint of more than 64 bits, a longer one than it need be, or a cut one is refused") {
  const auto taken = [](std::string_view bytes) {
    std::uint64_t value = 0;
    return take_varint(bytes, value);
  };
  const std::string nine(9, '\xFF');
  CHECK(taken(nine + '\x01'));
  CHECK_FALSE(taken(nine + '\x02'));  // the 65th bit
  CHECK_FALSE(taken(nine + '\x81'));  // an eleventh byte to come
  CHECK_FALSE(taken(nine));
  CHECK_FALSE(taken({}));
  using std::string_view_literals::operator""sv;
  CHECK(taken("\0"sv));
  CHECK_FALSE(taken("\x80\0"sv));
}
