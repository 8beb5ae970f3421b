// The executable from end to end: every command on a store of its own.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <new>
#include <stdexcept>

#include "test/cli/tool.h"
#include "tools/cli/app.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// A store with `count` sample records.
std::string make_store(const TestDirectory& directory, std::size_t count,
                       const std::string& name = "store") {
  const auto store = directory.path(name);
  const auto ran = run_tool({"import", store, "-"}, sample_records(count));
  INFO(ran.err);
  REQUIRE(ran.exit == 0);
  return store;
}

bool is_one_sentence(const std::string& err) {
  return err.rfind("caveat: ", 0) == 0 && err.find('\n') == err.size() - 1;
}

}  // namespace

TEST_CASE("the tool says what it can do and how it ends") {
  const auto help = run_tool({"--help"});
  CHECK(help.exit == 0);
  for (const auto* command : {"import", "dump", "get", "query", "count", "put", "remove", "stats",
                              "blocks", "verify", "optimize", "compact", "rebuild-indexes"}) {
    INFO(command);
    CHECK(help.out.find(command) != std::string::npos);
    const auto one = run_tool({command, "--help"});
    CHECK(one.exit == 0);
    CHECK(one.out.find("Example: caveat ") != std::string::npos);
    CHECK(one.out.find("--json") != std::string::npos);
  }
  CHECK(help.out.find("Exit codes:") != std::string::npos);
  for (const auto* variable : {"CAVEAT_KEY_FILE", "NO_COLOR", "TZ", "TMPDIR"}) {
    CHECK(help.out.find(variable) != std::string::npos);
  }
  CHECK(run_tool({"--version"}).out.rfind("caveat 0.", 0) == 0);
}

TEST_CASE("a wrong command line is exit code 2 and one sentence") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"frobnicate"},
                                                    {"get"},
                                                    {"query", "s", "--colour", "red"},
                                                    {"query", "s", "--time", "yesterday"},
                                                    {"import", "s", "f", "--on-error", "panic"},
                                                    {"put", "s", "--node", "1"},
                                                    {"remove", "s", "1"},
                                                    {"get", "s", "x", "p"}}) {
    const auto ran = run_tool(arguments);
    INFO(ran.err);
    CHECK(ran.exit == 2);
    CHECK(is_one_sentence(ran.err));
    CHECK(ran.out.empty());
  }
}

TEST_CASE("memory that runs out is no bug, and has a sentence and an exit code of its own") {
  CHECK(cli::guarded([]() -> int { throw std::bad_alloc(); }) == 7);
  CHECK(cli::guarded([]() -> int { throw std::runtime_error("surprise"); }) == 6);
  CHECK(cli::guarded([] { return 3; }) == 3);
  CHECK(run_tool({"--help"}).out.find("7                       out of memory") !=
        std::string::npos);
}

TEST_CASE("input compressed by others is named, with what to do") {
  const TestDirectory directory;
  const auto refused = [&](const std::string& bytes, const std::string& by) {
    write_file(directory.path("in"), bytes);
    const auto ran = run_tool({"import", directory.path("store"), directory.path("in")});
    INFO(ran.err);
    CHECK(ran.exit == 1);
    CHECK(is_one_sentence(ran.err));
    CHECK(ran.err.find("compressed by " + by) != std::string::npos);
    CHECK(ran.err.find(by + " -dc " + directory.path("in")) != std::string::npos);
    CHECK(run_tool({"import", directory.path("store"), "-"}, bytes).exit == 1);
  };
  refused("\x1f\x8b\x08\x08rest", "gzip");
  refused("BZh91AY&SY", "bzip2");
  refused(std::string("\xfd"
                      "7zXZ\0",
                      6),
          "xz");
}

TEST_CASE("a link to what is not there is named as one") {
  const TestDirectory directory;
  const auto link = directory.path("link");
  std::filesystem::create_symlink("nowhere", link);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"count", link},
                                                    {"count", link + "/"},
                                                    {"optimize", link},
                                                    {"top", link},
                                                    {"import", link, "-"},
                                                    {"import", directory.path("store"), link}}) {
    const auto ran = run_tool(arguments, sample_records(1));
    INFO(arguments[0] << ": " << ran.err);
    CHECK(ran.exit == 3);
    CHECK(ran.err.find(": this is a link to nowhere, where nothing is\n") != std::string::npos);
  }
}

TEST_CASE("what is not there is exit code 3, and nothing is made") {
  const TestDirectory directory;
  const auto store = directory.path("none");
  for (const auto* command : {"dump", "query", "count", "stats", "blocks", "verify", "optimize",
                              "compact", "rebuild-indexes"}) {
    const auto ran = run_tool({command, store});
    INFO(command << ": " << ran.err);
    CHECK(ran.exit == 3);
    CHECK(is_one_sentence(ran.err));
  }
  CHECK(run_tool({"import", store, directory.path("no-file")}).exit == 3);
  CHECK(run_tool({"import", store, "-", "--existing"}, sample_records(1)).exit == 3);
  CHECK(std::filesystem::is_empty(directory.root()));
}

TEST_CASE("dump, import and dump again give the same bytes") {
  const TestDirectory directory;
  const auto records = sample_records(3000);
  const auto store = make_store(directory, 3000);
  const auto dump = run_tool({"dump", store});
  REQUIRE(dump.exit == 0);
  CHECK(sorted_lines(dump.out) == sorted_lines(records));

  const auto file = directory.path("dump.ndjson");
  REQUIRE(run_tool({"dump", store, "-o", file}).exit == 0);
  CHECK(read_file(file) == dump.out);
  const auto copy = directory.path("copy");
  REQUIRE(run_tool({"import", copy, file, "--new"}).exit == 0);
  CHECK(run_tool({"dump", copy}).out == dump.out);
  CHECK(run_tool({"import", copy, file, "--new"}).exit == 2);
  // Once more into the same store: nothing is doubled.
  REQUIRE(run_tool({"import", copy, file}).exit == 0);
  CHECK(run_tool({"dump", copy}).out == dump.out);
}

TEST_CASE("what JSON cannot say survives a dump") {
  const TestDirectory directory;
  const std::string records =
      R"({"node":18446744073709551615,"property_hash":18446744073709551615,"inherited":)"
      R"({"$float":"nan:7ff8000000000001"},"actual":[{"$float":"-inf"},-0.0,1.0,1],"reason":)"
      R"({"$bytes":"//4="},"source":"Promoted","created_at":"1677-09-21T00:12:43.145224192Z",)"
      R"("confidence":0.0})"
      "\n";
  const auto store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, records).exit == 0);
  CHECK(run_tool({"dump", store}).out == records);
}

TEST_CASE("bad lines are reported with number and reason, and stop or are skipped as asked") {
  const TestDirectory directory;
  const auto good = sample_records(2);
  const auto feed = good.find('\n') + 1;
  const auto input = good.substr(0, feed) + "\n{\"node\":1}\r\n" + good.substr(feed) + "nonsense\n";

  const auto stop = run_tool({"import", directory.path("a"), "-"}, input);
  CHECK(stop.exit == 1);
  CHECK(stop.err == "caveat: line 3: property: the field is missing\n");
  CHECK(run_tool({"count", directory.path("a")}).out == "1\n");

  const auto skip =
      run_tool({"import", directory.path("b"), "-", "--on-error", "skip", "--json"}, input);
  CHECK(skip.exit == 0);
  CHECK(skip.err ==
        "caveat: line 3: property: the field is missing\n"
        "caveat: line 5: it is no JSON\n");
  CHECK(skip.out.rfind(R"({"records":2,"bad_lines":2,"complete":true,)", 0) == 0);
  CHECK(run_tool({"count", directory.path("b"), "--json"}).out == "{\"count\":2}\n");
}

TEST_CASE("one record is put, read, replaced and removed") {
  const TestDirectory directory;
  const auto store = directory.path("store");
  const std::vector<std::string> put = {"put",          store,
                                        "--node",       "7",
                                        "--property",   "flies",
                                        "--inherited",  "true",
                                        "--actual",     "false",
                                        "--reason",     "penguins swim",
                                        "--created-at", "2022-01-01T00:00:00Z"};
  CHECK(run_tool(put).exit == 3);
  auto create = put;
  create.emplace_back("--create");
  CHECK(run_tool(create).out == "stored\n");
  CHECK(run_tool(put).out == "replaced\n");
  const std::string record =
      R"({"node":7,"property":"flies","inherited":true,"actual":false,"reason":"penguins swim",)"
      R"("source":"Explicit","created_at":"2022-01-01T00:00:00Z","confidence":1.0})"
      "\n";
  CHECK(run_tool({"get", store, "7", "flies"}).out == record);
  CHECK(run_tool({"get", store, "7"}).out == record);
  const auto miss = run_tool({"get", store, "7", "swims"});
  CHECK(miss.exit == 3);
  CHECK(miss.err == "caveat: node 7 has no exception of property \"swims\"\n");

  CHECK(run_tool({"put", store, "-"}, record).out == "replaced\n");
  CHECK(run_tool({"put", store, "{}"}).exit == 1);
  CHECK(run_tool({"remove", store, "7", "flies"}).out == "removed\n");
  CHECK(run_tool({"remove", store, "7", "flies"}).exit == 3);
  CHECK(run_tool({"put", store, record}).out == "stored\n");
  CHECK(run_tool({"remove", store, "--clear-node", "7"}).exit == 0);
  CHECK(run_tool({"count", store}).out == "0\n");
}

TEST_CASE("queries heed every condition, the order, the limit and where to go on") {
  const TestDirectory directory;
  const auto store = make_store(directory, 2100);
  const auto count = [&](std::vector<std::string> conditions) {
    conditions.insert(conditions.begin(), {"count", store});
    return run_tool(conditions).out;
  };
  CHECK(count({}) == "2100\n");
  CHECK(count({"--node", "1"}) == "7\n");
  CHECK(count({"--nodes", "1..3"}) == "21\n");
  CHECK(count({"--nodes", "..3", "--node", "1"}) == "7\n");
  CHECK(count({"--nodes", "..3", "--node", "4"}) == "0\n");
  CHECK(count({"--nodes", "2..", "node < 4"}) == "14\n");
  CHECK(count({"--source", "Detected"}) == "420\n");
  CHECK(count({"--property", "group0/item1"}) == "60\n");
  CHECK(count({"--time", "2022-01-01..2022-12-31"}) == "2100\n");
  CHECK(count({"--time", "2023-01-01.."}) == "0\n");
  CHECK(count({"--confidence", "..0.0009"}) == "0\n");
  CHECK(count({"--node", "1", "--source", "Explicit"}) == "2\n");

  const auto all = run_tool({"query", store, "--source", "Detected", "--order", "time"});
  const auto first =
      run_tool({"query", store, "--source", "Detected", "--order", "time", "--limit", "400"});
  REQUIRE(first.err.rfind("resume: ", 0) == 0);
  const auto token = first.err.substr(8, first.err.size() - 9);
  const auto rest =
      run_tool({"query", store, "--source", "Detected", "--order", "time", "--resume", token});
  CHECK(first.out + rest.out == all.out);
  CHECK(sorted_lines(all.out).size() == 420);
  CHECK(run_tool({"query", store, "--resume", "00"}).exit == 2);

  const auto one = run_tool({"query", store, "--node", "1", "--explain"}).out;
  CHECK(one.find("      1 partition   used ") != std::string::npos);
  CHECK(one.find(" 1 partitions") == std::string::npos);

  const auto dumped = run_tool({"dump", store, "--source", "Detected"});
  CHECK(sorted_lines(dumped.out) == sorted_lines(all.out));
  const auto plan = run_tool({"query", store, "--source", "Detected", "--explain", "--json"});
  CHECK(plan.exit == 0);
  CHECK(plan.out.rfind("{\"queries\":[{\"index\":", 0) == 0);
  // A range of nodes, in each order and in pages.
  for (const auto* order : {"key", "confidence", "time"}) {
    const auto of = [&](const std::string& nodes, const std::string& limit,
                        std::vector<std::string> more = {}) {
      std::vector<std::string> words = {"query", store, "--nodes", nodes, "--order", order};
      if (!limit.empty()) words.insert(words.end(), {"--limit", limit});
      words.insert(words.end(), more.begin(), more.end());
      return run_tool(words);
    };
    const auto whole = of("10..109", "");
    CHECK(sorted_lines(whole.out).size() == 700);
    const auto begin = of("10..109", "300");
    REQUIRE(begin.err.rfind("resume: ", 0) == 0);
    const auto at = begin.err.substr(8, begin.err.size() - 9);
    CHECK(begin.out + of("10..109", "", {"--resume", at}).out == whole.out);
    CHECK(of("10..110", "", {"--resume", at}).exit == 2);  // it is of another query
  }
}

TEST_CASE("statistics, blocks, verification and maintenance run and answer") {
  const TestDirectory directory;
  const auto store = make_store(directory, 2100);
  const auto before = run_tool({"dump", store}).out;
  for (const auto* command : {"optimize", "compact", "rebuild-indexes"}) {
    const auto ran = run_tool({command, store});
    INFO(command << ": " << ran.err);
    CHECK(ran.exit == 0);
    CHECK(run_tool({command, store, "--json"}).out.rfind("{\"", 0) == 0);
  }
  CHECK(run_tool({"dump", store}).out == before);

  const auto stats = run_tool({"stats", store});
  CHECK(stats.exit == 0);
  CHECK(stats.out.find("exceptions              2,100") != std::string::npos);
  CHECK(run_tool({"stats", store, "--json"}).out.rfind("{\"total_exceptions\":2100,", 0) == 0);
  const auto why = run_tool({"stats", "--explain", store});
  CHECK(why.exit == 0);
  CHECK(why.out.find("too few records to choose: 2,100 of 4,096") != std::string::npos);
  CHECK(run_tool({"stats", store, "--explain", "--json"}).out.rfind("{\"options\":[", 0) == 0);

  const auto verify = run_tool({"verify", store});
  CHECK(verify.exit == 0);
  CHECK(verify.out.find("the store is sound") != std::string::npos);

  const auto blocks = run_tool({"blocks", store, "--json"});
  REQUIRE(blocks.exit == 0);
  const auto at = blocks.out.find("\"id\":");
  REQUIRE(at != std::string::npos);
  const auto id = std::to_string(std::stoull(blocks.out.substr(at + 5)));
  const auto shown = run_tool({"blocks", store, "--show", id});
  CHECK(shown.exit == 0);
  CHECK(shown.out.find("header.magic") != std::string::npos);
  const auto rows = sorted_lines(run_tool({"blocks", store, "--show", id, "--records"}).out);
  const auto all = sorted_lines(before);
  CHECK_FALSE(rows.empty());
  CHECK(std::includes(all.begin(), all.end(), rows.begin(), rows.end()));
  CHECK(run_tool({"blocks", store, "--show", "999999"}).exit == 3);
}

// `--source "$SOURCE"` with the variable unset dropped the condition, so that a query, or a
// removal, was of everything.
TEST_CASE("an empty value is refused by name, whatever the command", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 50);
  const auto before = run_tool({"dump", store}).out;
  const auto refuses = [&](const std::vector<std::string>& arguments, const std::string& name) {
    const auto ran = run_tool(arguments);
    INFO(name << " of " << arguments[0] << ": " << ran.out << ran.err);
    CHECK(ran.exit == 2);
    CHECK(ran.err == "caveat: " + name + ": the value is empty\n");
    CHECK(ran.out.empty());
  };
  for (const auto* command : {"query", "count", "dump"}) {
    for (const auto* option : {"--node", "--property", "--property-hash", "--source",
                               "--confidence", "--time", "--limit"}) {
      refuses({command, store, option, ""}, option);
      refuses({command, store, std::string(option) + "="}, option);
    }
    refuses({command, ""}, "STORE");
  }
  for (const auto* command : {"query", "dump"}) {
    refuses({command, store, "--order", ""}, "--order");
    refuses({command, store, "--resume", ""}, "--resume");
  }
  refuses({"dump", store, "-o", ""}, "--output");
  refuses({"get", store, "1", ""}, "PROPERTY");
  refuses({"get", store, "", "flies"}, "NODE");
  refuses({"remove", store, "1", ""}, "PROPERTY");
  refuses({"remove", store, "", "flies"}, "NODE");
  refuses({"remove", store, "1", "flies", "--clear-node", ""}, "--clear-node");
  refuses({"remove", store, "--clear-node", "1", "--clear-property", ""}, "--clear-property");
  // Took the next word for the property.
  refuses({"remove", store, "--clear-property=", "group0/item1"}, "--clear-property");
  refuses({"blocks", store, "--show", ""}, "--show");
  refuses({"import", store, ""}, "FILE");
  refuses({"put", store, ""}, "RECORD");
  refuses({"put", store, "--node", "1", "--property", "", "--actual", "1"}, "--property");
  refuses({"put", store, "--node", "1", "--property", "flies", "--actual", ""}, "--actual");
  for (const auto* option : {"--inherited", "--source", "--confidence", "--created-at"}) {
    refuses({"put", store, "--node", "1", "--property", "flies", "--actual", "1", option, ""},
            option);
  }
  CHECK(run_tool({"dump", store}).out == before);
  CHECK(run_tool(
            {"put", store, "--node", "1", "--property", "flies", "--actual", "1", "--reason", ""})
            .exit == 0);
  CHECK(run_tool({"put", store, "--node", "1", "--property", "flies", "--actual", "1", "--reason="})
            .exit == 0);
}

TEST_CASE("a long bad line is reported with its length and the limit", "[regression]") {
  const TestDirectory directory;
  const auto good = sample_records(1);
  const std::string many(std::size_t{2} << 20, 'x');
  const auto ran = run_tool({"import", directory.path("a"), "-", "--on-error", "skip", "--json"},
                            "{" + many + "\n" + many + "\n" + good);
  CHECK(ran.exit == 0);
  CHECK(ran.err ==
        "caveat: line 1: it is no JSON (a line of 2097153 bytes; the limit is 469762048)\n"
        "caveat: line 2: the line is longer than 1 MiB and begins like no record, which would be a "
        "JSON object in one line\n");
  CHECK(ran.out.rfind(R"({"records":1,"bad_lines":2,"complete":true,)", 0) == 0);
  const auto put = run_tool({"put", directory.path("a"), "-"}, many);
  CHECK(put.exit == 1);
  CHECK(put.err.find("begins like no record") != std::string::npos);
}

TEST_CASE("what a count counts has no order", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 5);
  CHECK(run_tool({"count", store, "--order", "time"}).exit == 2);
  CHECK(run_tool({"count", "--help"}).out.find("--order") == std::string::npos);
  CHECK(run_tool({"count", store, "order by time desc"}).out == "5\n");
  CHECK(run_tool({"count", store, "order by confidence limit 2"}).out == "2\n");
}

TEST_CASE("an option that is mistyped is told what it may have been", "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 5);
  const auto said = [&](std::vector<std::string> words) {
    words.insert(words.begin() + 1, store);
    const auto ran = run_tool(words);
    CHECK(ran.exit == 2);
    return ran.err;
  };
  CHECK(said({"query", "--limt", "3"}).ends_with("; did you mean --limit?\n"));
  CHECK(said({"dump", "--confidense=0.5"}).ends_with("; did you mean --confidence?\n"));
  CHECK(said({"verify", "--jsn"}).ends_with("; did you mean --json?\n"));
  CHECK(said({"verify", "--colour"}).ends_with("; \"caveat verify --help\" lists the options\n"));
  CHECK(said({"query", "node = 1", "--limit", "3", "more"}).find("did you") == std::string::npos);
}
