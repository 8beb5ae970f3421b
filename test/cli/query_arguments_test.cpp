// Options to queries.
#include <catch2/catch.hpp>

#include "tools/cli/exit_code.h"
#include "tools/cli/put_arguments.h"
#include "tools/cli/query_arguments.h"

using namespace caveat;
using namespace caveat::cli;

namespace {
std::string complaint(const QueryArguments& arguments) {
  const auto query = arguments.query();
  return query ? "" : query.error().message();
}
}  // namespace

TEST_CASE("options make a query") {
  QueryArguments arguments;
  arguments.node = "18446744073709551615";
  arguments.nodes = "0x10..";
  arguments.property = "flies";
  arguments.source = "Detected";
  arguments.confidence = "0.5..0.7";
  arguments.time = "2022-01-01..2022-02-01";
  arguments.order = "time";
  arguments.descending = true;
  arguments.limit = "10";
  arguments.resume = "00ff";
  const auto query = arguments.query().value();
  CHECK(query.node == ~0ULL);
  CHECK(query.nodes->first == 16);
  CHECK(query.nodes->last == ~0ULL);
  CHECK(query.property == hash_property("flies"));
  CHECK(query.source == ExceptionSource::Detected);
  CHECK(query.confidence->max == 0.7F);
  CHECK(query.time->start_ns == 1'640'995'200'000'000'000);
  CHECK(query.order == QueryOrder::time);
  CHECK(query.descending);
  CHECK(query.limit == 10);
  CHECK(query.resume_token == "00ff");
}

TEST_CASE("no options make a scan") {
  const auto query = QueryArguments{}.query().value();
  CHECK_FALSE((query.node || query.property || query.source || query.confidence || query.time));
}

TEST_CASE("a bad option is named") {
  QueryArguments arguments;
  arguments.node = "-1";
  CHECK(complaint(arguments) == "--node: \"-1\" is no unsigned integer below 2^64");
  for (const auto& [text, why] : {std::pair("..", "\"..\" is no range of nodes such as 100..199"),
                                  std::pair("9..8", "\"9..8\" ends before it begins"),
                                  std::pair("7", "\"7\" is one node: give --node"),
                                  std::pair("1..x", "\"x\" is no unsigned integer below 2^64")}) {
    arguments = {};
    arguments.nodes = text;
    CHECK(complaint(arguments) == "--nodes: " + std::string(why));
  }
  arguments = {};
  arguments.source = "Guessed";
  CHECK(complaint(arguments).rfind("--source: \"Guessed\"", 0) == 0);
  arguments = {};
  arguments.confidence = "2";
  CHECK(complaint(arguments) == "--confidence: \"2\" is no number from 0 to 1");
  arguments = {};
  arguments.time = "2022-02-01..2022-01-01";
  CHECK(complaint(arguments) == "--time: \"2022-02-01..2022-01-01\" ends before it begins");
  arguments = {};
  arguments.order = "size";
  CHECK(complaint(arguments) == "--order: \"size\" is not key, confidence or time");
  arguments = {};
  arguments.property_hash = "0x";
  CHECK(complaint(arguments) == "--property-hash: \"0x\" is no unsigned integer below 2^64");
}

TEST_CASE("a record is put field by field or whole") {
  PutArguments put;
  put.node = "7";
  put.property = "flies";
  put.inherited = "[true, \"x\", 1.0]";
  put.actual = "false";
  put.confidence = "0.7";
  put.created_at = "2022-01-01T00:00:00Z";
  const auto fields = put.record().value();
  CHECK(fields.name == "flies");
  CHECK(fields.record.key == ExceptionKey{7, hash_property("flies")});
  CHECK(fields.record.exception.inherited_value ==
        PropertyValue(PropertyValue::List{true, "x", 1.0}));
  CHECK(fields.record.exception.actual_value == PropertyValue(false));
  CHECK(fields.record.exception.confidence == 0.7F);

  PutArguments whole;
  whole.json =
      R"({"node":7,"property_hash":9,"inherited":null,"actual":1,"reason":"","source":"Explicit",)"
      R"("created_at":"2022-01-01T00:00:00Z","confidence":1})";
  const auto record = whole.record().value();
  CHECK_FALSE(record.name);
  CHECK(record.record.key == ExceptionKey{7, 9});

  whole.node = "7";
  CHECK(whole.record().error().code() == ErrorCode::invalid_argument);
  put.actual = "text";
  CHECK(put.record().error().message().rfind("--actual: it is no JSON", 0) == 0);
  put.actual = "";
  CHECK_FALSE(put.record());
  PutArguments empty;
  empty.json = "{}";
  CHECK(exit_code_of(empty.record().error().code()) == kDataError);
}

TEST_CASE("every error has an exit code of the table") {
  CHECK(exit_code_of(ErrorCode::corruption) == 1);
  CHECK(exit_code_of(ErrorCode::invalid_argument) == 2);
  CHECK(exit_code_of(ErrorCode::not_found) == 3);
  CHECK(exit_code_of(ErrorCode::locked) == 4);
  CHECK(exit_code_of(ErrorCode::no_space) == 5);
  CHECK(exit_code_of(ErrorCode::internal) == 6);
}
