// What people see.
#include <catch2/catch.hpp>

#include "tools/cli/json_writer.h"
#include "tools/cli/terminal.h"

using namespace caveat::cli;

TEST_CASE("one of a kind is no plural", "[regression]") {
  CHECK(counted(1, "partition") == "1 partition");
  CHECK(counted(0, "partition") == "0 partitions");
  CHECK(counted(1234, "partition") == "1,234 partitions");
  CHECK(counted(1, "index", "indexes") == "1 index");
  CHECK(counted(2, "index", "indexes") == "2 indexes");
}

TEST_CASE("text is wrapped at spaces, and what has no room stands alone") {
  CHECK(wrapped("", 0) == "\n");
  CHECK(wrapped("a bc def", 0, 8) == "a bc def\n");
  CHECK(wrapped("a bc def", 0, 7) == "a bc\ndef\n");
  CHECK(wrapped("1,234,567 of 8", 2, 6) == "  1,234,567\n  of 8\n");
  CHECK(wrapped("a b", 1, kAnyWidth) == " a b\n");
  CHECK(fields_text({{"name", "value"}}, 13) == "  name  value\n");
  CHECK(fields_text({{"name", "value"}}, 12) == "  name\n    value\n");
  Table table({"calls", "now", "ever"});
  table.add({"reads", "1,234", "5"});
  CHECK(table.text({}, 20) == "  calls    now  ever\n  reads  1,234     5\n");
  CHECK(table.text({}, 19) == "  reads\n    now 1,234,\n    ever 5\n");
}

TEST_CASE("numbers are grouped and scaled") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(469'763) == "469,763");
  CHECK(grouped(18446744073709551615ULL) == "18,446,744,073,709,551,615");
  CHECK(human_bytes(9'999) == "9,999 B");
  CHECK(human_bytes(10'000) == "10.0 kB");
  CHECK(human_bytes(128'082'232) == "128.1 MB");
  CHECK(human_bytes(999'960'000) == "1.0 GB");
  CHECK(human_duration(412) == "412 ns");
  CHECK(human_duration(1'300) == "1.3 us");
  CHECK(human_duration(5.2e8) == "520.0 ms");
  CHECK(human_duration(187e9) == "3:07");
}

TEST_CASE("tables are aligned by characters, not by bytes") {
  Table table({"name", "n", "text"});
  table.add({"é", "1", "x"});
  table.add({"long name", "1,000", ""});
  CHECK(table.text({2}) ==
        "  name           n  text\n"
        "  é              1  x\n"
        "  long name  1,000\n");
  CHECK(fields_text({{"a", "1"}, {"longer", "2"}}) == "  a       1\n  longer  2\n");
}

TEST_CASE("what steers a terminal, or makes a name look like another, is escaped") {
  CHECK(printable("plain, é, 漢字, a\u200db") == "plain, é, 漢字, a\u200db");
  CHECK(printable("\x1b[31m\n\x7f\u0085\xff") == "\\x1b[31m\\x0a\\x7f\\xc2\\x85\\xff");
  CHECK(printable("gnp\u202Eexe.\u2066x\u200f") == "gnp\\u202eexe.\\u2066x\\u200f");
  CHECK(printable("a\u200bb\ufeff\u2028\u00ad\U000E0041") ==
        "a\\u200bb\\ufeff\\u2028\\u00ad\\U000e0041");
}

TEST_CASE("text is cut by columns, and its colour with it") {
  CHECK(cut("abc", 3) == "abc");
  CHECK(cut("abcd", 3) == "ab…");
  CHECK(cut("漢字漢", 5) == "漢字…");
  CHECK(cut("漢字漢", 4) == "漢…");
  CHECK(cut("\033[1mabcd\033[0m", 4) == "\033[1mabcd\033[0m");
  CHECK(cut("\033[1mabcd\033[0m", 2) == "\033[1ma…\033[0m");
  CHECK(cut("abc", 0).empty());
}

TEST_CASE("progress shows rate and time left") {
  CHECK(progress_text("import", 0.25, 1000, 2.0) ==
        "import [######..................]  25.0%  1,000  500/s  ETA 0:06");
  CHECK(progress_text("import", 0, 1000, 2.0) == "import  1,000  500/s");
  CHECK(progress_text("import", 1.5, 1, 0.1) == "import [########################] 100.0%  1");
}

TEST_CASE("JSON for programs") {
  JsonWriter json;
  json.begin_object().field("a", std::uint64_t{1}).begin_list("l");
  json.field("", "x").begin_object().flag("b", true).end_object().end_list();
  json.field("d", 0.5).end_object();
  CHECK(json.text() == "{\"a\":1,\"l\":[\"x\",{\"b\":true}],\"d\":0.5}\n");
}
