// Pieces of JSON text.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "test/model/random_record.h"
#include "test/support/seed.h"
#include "tools/cli/json_text.h"
#include "tools/cli/ndjson_reader.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

std::string of_float(double value) {
  std::string text;
  append_json_float(value, text);
  return text;
}
std::string of_confidence(float value) {
  std::string text;
  append_json_confidence(value, text);
  return text;
}
std::string of_bytes(std::string_view bytes) {
  std::string text;
  append_json_bytes(bytes, text);
  return text;
}
std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(bytes, text);
  return text;
}

}  // namespace

TEST_CASE("floats never look like integers, and are written as Python writes them") {
  CHECK(of_float(1.0) == "1.0");
  CHECK(of_float(-0.0) == "-0.0");
  CHECK(of_float(0.1) == "0.1");
  CHECK(of_float(97.5) == "97.5");
  CHECK(of_float(100000.0) == "100000.0");
  CHECK(of_float(1e15) == "1000000000000000.0");
  CHECK(of_float(1e16) == "1e+16");
  CHECK(of_float(1e-5) == "1e-05");
  CHECK(of_float(5e-324) == "5e-324");
  CHECK(of_float(HUGE_VAL) == R"({"$float":"inf"})");
  CHECK(of_float(-HUGE_VAL) == R"({"$float":"-inf"})");
  CHECK(of_float(std::bit_cast<double>(0x7FF8000000000001ULL)) ==
        R"({"$float":"nan:7ff8000000000001"})");
}

TEST_CASE("special floats are read in the three forms and in no other") {
  CHECK(special_float("inf") == HUGE_VAL);
  CHECK(special_float("-inf") == -HUGE_VAL);
  CHECK(std::bit_cast<std::uint64_t>(special_float("nan:fff0000000000001").value()) ==
        0xFFF0000000000001ULL);
  CHECK_FALSE(special_float("nan"));
  CHECK_FALSE(special_float("nan:7FF8000000000001"));  // capitals
  CHECK_FALSE(special_float("nan:3ff0000000000000"));  // a number
  CHECK_FALSE(special_float("nan:7ff0000000000000"));  // infinity
  CHECK_FALSE(special_float("+inf"));
  CHECK_FALSE(special_float(""));
}

TEST_CASE("confidences are short and read back, also by way of a double") {
  CHECK(of_confidence(1.0F) == "1.0");
  CHECK(of_confidence(0.0F) == "0.0");
  CHECK(of_confidence(0.882F) == "0.882");
  CHECK(of_confidence(0.2646F) == "0.2646");
  const auto seed = test::chosen_seed();
  INFO("seed " << seed);
  test::RandomRecords random(seed);
  for (int i = 0; i < 200'000; ++i) {
    // Any bits from +0.0 to 1.0.
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.below(0x3F800001)));
    const auto text = of_confidence(value);
    if (static_cast<float>(std::stod(text)) != value) FAIL(text);
  }
}

TEST_CASE("strings escape what JSON must, and no more") {
  CHECK(of_bytes("a\"b\\c\n\t\r\b\f\x01\x1F\x7F/") ==
        "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f\x7F/\"");
  CHECK(of_bytes("\xC3\xA9\xF0\x9F\x90\xA7") == "\"\xC3\xA9\xF0\x9F\x90\xA7\"");
  CHECK(of_bytes(std::string_view("\0x", 2)) == "\"\\u0000x\"");
}

TEST_CASE("strings that are no UTF-8 become $bytes") {
  CHECK(of_bytes("\xFF\xFE") == R"({"$bytes":"//4="})");
  CHECK(of_bytes("\xC3") == R"({"$bytes":"ww=="})");          // cut short
  CHECK(of_bytes("\xED\xA0\x80") == R"({"$bytes":"7aCA"})");  // a surrogate
}

TEST_CASE("base64 reads back, and each value has one text") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  test::RandomRecords random(5);
  for (int i = 0; i < 500; ++i) {
    const auto bytes = random.string();
    REQUIRE(bytes_of_base64(base64(bytes)) == bytes);
  }
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 8", "Zm8-"}) {
    INFO(bad);
    CHECK_FALSE(bytes_of_base64(bad));
  }
}
