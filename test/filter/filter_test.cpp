// Texts of filters: what they mean, and what is said of those that mean nothing.
#include <catch2/catch.hpp>
#include <string>

#include "tools/cli/filter/filter.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

std::string meaning(const std::string& text) {
  const auto filter = parse_filter(text);
  return filter ? to_text(*filter) : "error: " + filter.error().message;
}

// "column: message" of a text that is wrong.
std::string complaint(const std::string& text) {
  const auto filter = parse_filter(text);
  if (filter) return "none";
  return std::to_string(column_of(filter.error(), text)) + ": " + filter.error().message;
}

std::string hash_text(const std::string& name) {
  return "property_hash = " + std::to_string(hash_property(name));
}

}  // namespace

TEST_CASE("a filter is conditions, an order and a limit, each of which may be left out") {
  const auto filter = parse_filter(
      R"(property = "can_fly" and confidence >= 0.8 order by created_at desc limit 10)");
  REQUIRE(filter);
  CHECK(filter->order == QueryOrder::time);
  CHECK(filter->descending);
  CHECK(filter->limit == 10);
  CHECK(to_text(*filter) ==
        hash_text("can_fly") + " and confidence >= 0.8 order by created_at desc limit 10");
  CHECK(meaning("") == "");
  CHECK(meaning("limit 3") == "limit 3");
  CHECK(meaning("ORDER BY key ASC") == "order by key");
  CHECK(meaning("order by node") == "order by key");
  CHECK(meaning("order by time") == "order by created_at");
}

TEST_CASE("conditions are what is stored, whatever was written") {
  CHECK(meaning("node = 0x3e") == "node = 62");
  CHECK(meaning("node < 5") == "node <= 4");
  CHECK(meaning("node > 5") == "node >= 6");
  CHECK(meaning("node != 5") == "not node = 5");
  CHECK(meaning("not node != 5") == "node = 5");
  CHECK(meaning("node between 3 and 7") == "node between 3 and 7");
  CHECK(meaning("node not between 3 and 7") == "not node between 3 and 7");
  CHECK(meaning("node < 0") == "not node >= 0");
  CHECK(meaning("node between 7 and 3") == "not node >= 0");
  CHECK(meaning("node > 18446744073709551615") == "not node >= 0");
  CHECK(meaning("confidence > 0.8") == "confidence >= 0.8000001");
  CHECK(meaning("confidence < 0") == "not confidence >= 0.0");
  CHECK(meaning("confidence <= -0.0") == "confidence = 0.0");
  CHECK(meaning("source != Imported") == "source in (Explicit, Detected, Promoted, Conflict)");
  CHECK(meaning("source not in (Explicit, 'Detected')") ==
        "source in (Promoted, Conflict, Imported)");
  CHECK(meaning("property == 'a' or property <> \"b\"") ==
        hash_text("a") + " or not " + hash_text("b"));
  CHECK(meaning("property >= 'a'") == "property >= \"a\"");
  CHECK(meaning("created_at = 2022-01-01") ==
        "created_at between 2022-01-01T00:00:00Z and 2022-01-01T23:59:59.999999999Z");
  CHECK(meaning("time > 2022-01-01") == "created_at >= 2022-01-02T00:00:00Z");
  CHECK(meaning("created_at <= '2022-01-01T12:00:00+02:00'") ==
        "created_at <= 2022-01-01T10:00:00Z");
  CHECK(meaning("actual = [1, 'a', [true, null], 1.5]") ==
        R"(actual = [1, "a", [true, null], 1.5])");
  CHECK(meaning("inherited = [] or actual = [[], []]") == "inherited = [] or actual = [[], []]");
  CHECK(meaning(R"(reason contains 'a\n\x80\u00e9\ud83d\ude00"')") ==
        R"(reason contains "a\x0a\x80\xc3\xa9\xf0\x9f\x98\x80\"")");
}

TEST_CASE("and binds more than or, not more than and, and groups of one kind are one") {
  CHECK(meaning("node = 1 or node = 2 and source = Detected") ==
        "node = 1 or node = 2 and source in (Detected)");
  CHECK(meaning("(node = 1 or node = 2) and node = 3") == "(node = 1 or node = 2) and node = 3");
  CHECK(meaning("node = 1 and (node = 2 and (node = 3))") == "node = 1 and node = 2 and node = 3");
  CHECK(meaning("not (node = 1 and reason = 'x')") == "not node = 1 or not reason = \"x\"");
  CHECK(meaning("not not node = 1") == "node = 1");
  CHECK(meaning("node in (1, 2)") == "node = 1 or node = 2");
  CHECK(meaning("node not in (1, 2)") == "not node = 1 and not node = 2");
}

TEST_CASE("what is wrong is said with its column") {
  CHECK(complaint("colour = 3").rfind("1: \"colour\" is no field; the fields are node", 0) == 0);
  CHECK(complaint("propery = 'x'") == "1: \"propery\" is no field; did you mean property?");
  CHECK(complaint("node = 1 and") == "13: a condition is needed here");
  CHECK(complaint("node = 1 node = 2") ==
        "10: \"and\", \"or\", \"order by\", \"limit\" or the end is needed here");
  CHECK(complaint("node = x") == "8: node is compared with a number");
  CHECK(complaint("node = 1.5") == "8: node: \"1.5\" is no unsigned integer below 2^64");
  CHECK(complaint("node = -1") == "8: node: \"-1\" is no unsigned integer below 2^64");
  CHECK(complaint("confidence > 80") == "14: confidence: \"80\" is no number from 0 to 1");
  CHECK(complaint("property = can_fly") == "12: property is compared with a string, in quotes");
  CHECK(complaint("source > Detected") == "1: source has no order; it is compared by =, != and in");
  CHECK(complaint("source = detected").rfind("10: source: \"detected\" is not Explicit", 0) == 0);
  CHECK(complaint("node contains 3").rfind("1: node has no parts", 0) == 0);
  CHECK(complaint("actual < true") == "10: only numbers and strings have an order");
  CHECK(complaint("actual = 99999999999999999999") ==
        "10: \"99999999999999999999\" is no number of 64 bits");
  CHECK(complaint("(node = 1") == "1: this parenthesis is not closed");
  CHECK(complaint("actual = [1") == "10: this list is not closed");
  CHECK(complaint("reason = 'é") == "10: the string does not end");
  CHECK(complaint("reason = 'é' and reason = 'x") == "27: the string does not end");
  CHECK(complaint(R"(reason = "\q")").rfind("11: no such escape", 0) == 0);
  CHECK(complaint("node = 1 & node = 2") == "10: \"&\" means nothing here");
  CHECK(complaint("node = 1 é") == "10: \"é\" means nothing here");
  CHECK(complaint("node in 1, 2") == "9: \"(\" is needed after in");
  CHECK(complaint("node in ()") == "10: a value is needed here");
  CHECK(complaint("node not = 1") == "10: in, between or contains is needed after not");
  CHECK(complaint("limit 3 order by key").rfind("9: the filter ends here", 0) == 0);
  CHECK(complaint("order by reason") == "10: results are ordered by key, confidence or created_at");
  CHECK(complaint("limit ten") == "7: a number is needed after limit");
  CHECK(complaint("created_at = yesterday") ==
        "14: created_at is compared with a date or an RFC 3339 time");
  CHECK(
      complaint("created_at = 2022-13-01").rfind("14: created_at: \"2022-13-01\" is no date", 0) ==
      0);
}

TEST_CASE("the error is shown in its place") {
  const std::string text = "node = 1 and colour = \"red\"";
  CHECK(excerpt(parse_filter(text).error(), text) ==
        "  node = 1 and colour = \"red\"\n"
        "               ^~~~~~\n");
  const std::string wide = "reason = '日本' nodd";  // of two columns each
  CHECK(excerpt(parse_filter(wide).error(), wide) ==
        "  reason = '日本' nodd\n"
        "                  ^~~~\n");
  const std::string end = "node =";
  CHECK(excerpt(parse_filter(end).error(), end) == "  node =\n        ^\n");
  const std::string control = "reason = '\x1b' x";  // is shown as \x1b
  CHECK(excerpt(parse_filter(control).error(), control) ==
        "  reason = '\\x1b' x\n"
        "                  ^\n");
  const auto lengthy = "node = 1 " + std::string(100, ' ') + "x" + std::string(100, ' ') + "y";
  const auto shown = excerpt(parse_filter(lengthy).error(), lengthy);
  CHECK(shown.find("x") == shown.find("^") - shown.find('\n') - 1);
  CHECK(shown.substr(0, 5) == "  ...");
}

TEST_CASE("no text costs more than its length") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "node = 1" + std::string(depth, ')');
  };
  CHECK(meaning(nested(kFilterDepthMax)) == "node = 1");
  CHECK(complaint(nested(kFilterDepthMax + 1)).find("nested deeper than 64") != std::string::npos);
  CHECK(complaint(nested(30'000)).find("nested deeper than 64") != std::string::npos);
  std::string nots;
  for (int i = 0; i < 10'000; ++i) nots += "not ";
  CHECK(meaning(nots + "node = 1") == "node = 1");
  CHECK(complaint("actual = " + std::string(17, '[')).find("lists nested deeper than 16") !=
        std::string::npos);
  std::string many = "node in (1";
  for (std::size_t i = 1; i < kFilterConditionsMax; ++i) many += ",1";
  CHECK(complaint(many + ")") == "none");
  CHECK(complaint(many + ",1)").find("more than 4096 conditions") != std::string::npos);
  CHECK(complaint("reason = '" + std::string(kFilterBytesMax, 'x') + "'")
            .find("longer than 65536 bytes") != std::string::npos);
}
