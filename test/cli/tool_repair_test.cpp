// What the executable does with damage, bad input and slips of the keyboard.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "caveat/caveat.h"
#include "engine/store/engine.h"
#include "test/cli/tool.h"

using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

std::string make_store(const TestDirectory& directory, std::size_t count) {
  const auto store = directory.path("store");
  const auto ran = run_tool({"import", store, "-"}, sample_records(count));
  INFO(ran.err);
  REQUIRE(ran.exit == 0);
  return store;
}

// A bit in the first data block of every table of the column family.
void damage_tables(const std::string& store, const std::string& family) {
  std::size_t damaged = 0;
  for (const auto& file : fs::directory_iterator(store)) {
    if (file.path().extension() != ".sst") continue;
    auto bytes = read_file(file.path());
    // The end of "rocksdb.column.family.name", whose begin the property before it has as well.
    if (bytes.find("name" + family) == std::string::npos) continue;
    bytes[40] = static_cast<char>(bytes[40] ^ 1);
    write_file(file.path(), bytes);
    ++damaged;
  }
  REQUIRE(damaged > 0);
}

const std::string kGood =
    R"({"node":1,"property":"a","inherited":1,"actual":2,"reason":"","source":"Explicit",)"
    R"("created_at":"2022-01-01T00:00:00Z","confidence":1.0})";

std::string replaced(const std::string& from, const std::string& to) {
  auto line = kGood;
  return line.replace(line.find(from), from.size(), to);
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a store with a damaged index answers, takes writes, and is mended as it says") {
  const TestDirectory directory;
  const auto store = make_store(directory, 7000);
  const auto right = run_tool({"query", store, "--property", "group0/item1"}).out;
  const auto all = run_tool({"dump", store}).out;
  damage_tables(store, "property");

  const auto query = run_tool({"query", store, "--property", "group0/item1"});
  CHECK(query.exit == 0);
  CHECK(query.out == right);
  CHECK(query.err.find("the property index is damaged") != std::string::npos);
  CHECK(std::count(query.err.begin(), query.err.end(), '\n') == 1);
  CHECK(run_tool({"query", store, "--property", "group0/item1", "--explain"}).exit == 0);
  CHECK(run_tool({"stats", store}).exit == 0);
  CHECK(run_tool({"put", store, kGood}).out == "stored\n");
  CHECK(run_tool({"remove", store, "1", "a"}).exit == 0);

  const auto verify = run_tool({"verify", store});
  CHECK(verify.exit == 1);
  CHECK(verify.out.find("the property index is incomplete") != std::string::npos);
  CHECK(verify.out.find("run: caveat rebuild-indexes " + store) != std::string::npos);
  CHECK(verify.out.find("the store is sound") == std::string::npos);
  CHECK(run_tool({"verify", store, "--json"}).out.find(R"("incomplete_indexes":["property"])") !=
        std::string::npos);
  CHECK(run_tool({"compact", store}).exit == 0);
  // It ended with 1, and did not say why.
  const auto report = run_tool({"report", store, "-o", directory.path("report.html")});
  CHECK(report.exit == 1);
  CHECK(report.err.find("the store is not sound: 1 incomplete index (property); caveat verify says "
                        "what to do\n") != std::string::npos);

  const auto rebuild = run_tool({"rebuild-indexes", store});
  INFO(rebuild.err);
  CHECK(rebuild.exit == 0);
  CHECK(run_tool({"verify", store}).exit == 0);
  CHECK(run_tool({"compact", store}).exit == 0);
  const auto again = run_tool({"query", store, "--property", "group0/item1"});
  CHECK(again.out == right);
  CHECK(again.err.empty());
  CHECK(run_tool({"dump", store}).out == all);
}

// They were named for ever, and repair, which does not write them, called the new store whole.
TEST_CASE("lost writes are told until their owner says that they may be forgotten",
          "[regression]") {
  const TestDirectory directory;
  const auto store = make_store(directory, 50);
  {
    auto opened = caveat::open(store).value();
    caveat::KvBatch batch;
    batch.put(caveat::Family::delta, "no key", "no record");
    REQUIRE(opened.engine().core().backend->write(batch, caveat::Durability::fsync));
    REQUIRE(opened.close());
  }
  const std::string lost =
      "delta: a record under a key of 6 bytes: could not be read when the store was opened; its 9 "
      "bytes are kept in meta\n";
  for (int i = 0; i < 2; ++i) {
    const auto repaired = run_tool({"repair", store, directory.path("new" + std::to_string(i))});
    CHECK(repaired.exit == 1);
    CHECK(repaired.out.find("damaged: the log: " + lost) != std::string::npos);
    CHECK(repaired.out.find("all records are in") == std::string::npos);
    const auto verify = run_tool({"verify", store});
    CHECK(verify.exit == 1);
    CHECK(verify.out.find("  error: " + lost) != std::string::npos);
    CHECK(verify.out.find("run: caveat verify " + store + " --forget-lost-writes\n") !=
          std::string::npos);
    CHECK(verify.out.find("records of what is damaged") == std::string::npos);
    if (i == 0)
      CHECK(run_tool({"put", store, kGood}).out == "stored\n");  // now it is in meta alone
  }
  CHECK(run_tool({"verify", directory.path("new0")}).exit == 0);
  const auto forgotten = run_tool({"verify", store, "--forget-lost-writes"});
  INFO(forgotten.err);
  CHECK(forgotten.exit == 0);
  CHECK(forgotten.out.find("lost writes forgotten  1\n") != std::string::npos);
  CHECK(forgotten.out.find("the store is sound\n") != std::string::npos);
  CHECK(run_tool({"verify", store}).exit == 0);
  CHECK(run_tool({"repair", store, directory.path("new")}).exit == 0);
  CHECK(run_tool({"verify", store, "--json", "--forget-lost-writes"})
            .out.find(R"("lost_writes_forgotten":0)") != std::string::npos);
}

TEST_CASE("verify lists all damage, says what to do, and counts recent writes") {
  const TestDirectory directory;
  const auto store = make_store(directory, 3000);
  CHECK(run_tool({"verify", store}).out.find("records         3,000") != std::string::npos);
  damage_tables(store, "source");
  damage_tables(store, "temporal");
  const auto verify = run_tool({"verify", store});
  CHECK(verify.exit == 1);
  CHECK(verify.out.find("error: source") != std::string::npos);
  CHECK(verify.out.find("error: temporal") != std::string::npos);
  CHECK(verify.out.find("records         3,000") != std::string::npos);
  CHECK(run_tool({"optimize", store, "--json"}).out.find(R"("indexes_rebuilt":2)") !=
        std::string::npos);
  CHECK(run_tool({"verify", store}).exit == 0);
}

// One line for each of its partitions went to standard error.
TEST_CASE("stats and optimize name the first of many damaged partitions, and count the others") {
  const TestDirectory directory;
  const auto store = make_store(directory, 14'000);
  for (const auto& file : fs::directory_iterator(store)) {
    if (file.path().extension() != ".sst") continue;
    auto bytes = read_file(file.path());
    if (bytes.find("nameprimary") == std::string::npos) continue;
    // What follows the data is the end; every block of data lies before it.
    for (std::size_t at = 40; at < bytes.size() * 9 / 10; at += 512)
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(file.path(), bytes);
  }
  const auto lines = [](const Ran& ran) {
    return std::count(ran.err.begin(), ran.err.end(), '\n');
  };
  const auto stats = run_tool({"stats", store, "--json"});
  INFO(stats.err);
  CHECK(stats.exit == 1);
  CHECK(lines(stats) == 11);
  CHECK(stats.err.find("more of these") != std::string::npos);
  std::size_t named = 0;  // all of them where a program reads
  for (auto at = stats.out.find("primary node"); at != std::string::npos;
       at = stats.out.find("primary node", at + 1)) {
    ++named;
  }
  CHECK(named > 11);
  const auto optimize = run_tool({"optimize", store, "--json"});
  CHECK(optimize.exit == 1);
  CHECK(lines(optimize) == 11);
  CHECK(optimize.out.find("\"partitions_skipped\":0") == std::string::npos);
}

TEST_CASE("of a store that does not open, verify says what is damaged and what to do") {
  const TestDirectory directory;
  const auto sound = make_store(directory, 3000);
  const auto find_file = [&](const std::string& store, const std::string& part) {
    for (const auto& file : fs::directory_iterator(store)) {
      if (file.path().filename().string().find(part) != std::string::npos) return file.path();
    }
    return fs::path();
  };
  const auto meta_table = [&](const std::string& store) {
    for (const auto& file : fs::directory_iterator(store)) {
      if (file.path().extension() != ".sst") continue;
      if (read_file(file.path()).find("namedefault") != std::string::npos) return file.path();
    }
    return fs::path();
  };
  for (const std::string harm : {"CURRENT", "MANIFEST", "meta"}) {
    INFO(harm);
    const auto store = directory.path("harmed");
    fs::remove_all(store);
    fs::copy(sound, store);
    const auto file = harm == "meta" ? meta_table(store) : find_file(store, harm);
    REQUIRE(fs::remove(file));
    for (const std::string command : {"verify", "stats", "dump"}) {
      const auto ran = run_tool({command, store});
      INFO(command << ": " << ran.out << ran.err);
      CHECK(ran.exit == 1);
      const auto& said = command == "verify" ? ran.out : ran.err;
      CHECK(said.find(file.filename().string()) != std::string::npos);
      CHECK(said.find("backup") != std::string::npos);
      CHECK((ran.out + ran.err).find("caveat verify") == std::string::npos);
      CHECK((ran.out + ran.err).find("another process") == std::string::npos);
      CHECK((ran.out + ran.err).find("caveat-inspect") == std::string::npos);
    }
    CHECK(run_tool({"verify", store, "--json"}).out.find(R"("sound":false)") != std::string::npos);
    CHECK(run_tool({"put", store, kGood}).exit == 1);
  }
}

TEST_CASE("a store that lacks a table of its records is read, dumped and verified") {
  const TestDirectory directory;
  const auto store = make_store(directory, 7000);
  for (const auto& file : fs::directory_iterator(store)) {
    if (file.path().extension() != ".sst") continue;
    if (read_file(file.path()).find("nameprimary") == std::string::npos) continue;
    fs::remove(file.path());
  }
  const auto put = run_tool({"put", store, kGood});
  CHECK(put.exit == 1);
  CHECK(put.err.find("open for reading only") != std::string::npos);
  CHECK(put.err.find("is missing") != std::string::npos);
  const auto dump = run_tool({"dump", store});
  CHECK(dump.exit == 1);
  CHECK(dump.err.find("No such file") != std::string::npos);
  const auto get = run_tool({"get", store, "1"});
  INFO(get.err);
  CHECK(get.exit == 1);
  const auto rest = run_tool({"dump", store, "--skip-damaged"});
  INFO(rest.err);
  CHECK(rest.exit == 1);
  CHECK(rest.err.find("left out: ") != std::string::npos);
  CHECK(run_tool({"import", directory.path("new"), "-"}, rest.out).exit == 0);
  const auto repair = run_tool({"repair", store, directory.path("repaired")});
  CHECK(repair.exit == 1);
  CHECK(repair.out.find(".sst (primary): it is missing\n  records between") != std::string::npos);
  CHECK(run_tool({"dump", directory.path("repaired")}).out == rest.out);
  const auto verify = run_tool({"verify", store});
  CHECK(verify.exit == 1);
  CHECK(verify.out.find("is missing") != std::string::npos);
  CHECK(verify.out.find("caveat repair " + store + " NEW") != std::string::npos);
  CHECK(verify.out.find("the store is damaged") != std::string::npos);
  const auto stats = run_tool({"stats", store});
  CHECK(stats.exit == 1);
  CHECK(stats.out.find("open for reading only") != std::string::npos);
  CHECK(run_tool({"stats", store, "--json"}).out.find("read_only_reason") != std::string::npos);
}

TEST_CASE("repair saves all but what is damaged, says what that is, and changes nothing") {
  const TestDirectory directory;
  const auto store = make_store(directory, 20'000);
  const auto all = run_tool({"dump", store}).out;
  const auto sound = run_tool({"repair", store, directory.path("whole")});
  CHECK(sound.exit == 0);
  CHECK(sound.out.find("records saved  20,000") != std::string::npos);
  CHECK(run_tool({"dump", directory.path("whole")}).out == all);
  CHECK(run_tool({"verify", directory.path("whole")}).exit == 0);

  // One byte in the middle of the records.
  std::map<std::string, std::string> before;
  bool damaged = false;
  for (const auto& file : fs::directory_iterator(store)) {
    auto bytes = read_file(file.path());
    if (file.path().extension() == ".sst" && bytes.find("nameprimary") != std::string::npos) {
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
      write_file(file.path(), bytes);
      damaged = true;
    }
    before[file.path().filename().string()] = bytes;
  }
  REQUIRE(damaged);
  const auto target = directory.path("repaired");
  const auto repair = run_tool({"repair", store, target});
  INFO(repair.out << repair.err);
  CHECK(repair.exit == 1);
  CHECK(repair.out.find("lost: what was between node ") != std::string::npos);
  CHECK(repair.out.find("\n  primary ") != std::string::npos);
  CHECK(repair.out.find("places lost    1") != std::string::npos);
  CHECK(run_tool({"verify", target}).exit == 0);
  // What is there is a part of what was, but for one stretch.
  const auto rest = run_tool({"dump", target}).out;
  CHECK(rest.size() > all.size() * 9 / 10);
  CHECK(rest.size() < all.size());
  const auto differs = std::mismatch(rest.begin(), rest.end(), all.begin()).first - rest.begin();
  CHECK(rest.substr(static_cast<std::size_t>(differs)) ==
        all.substr(all.size() - (rest.size() - static_cast<std::size_t>(differs))));
  for (const auto& [name, bytes] : before) CHECK(read_file(fs::path(store) / name) == bytes);

  CHECK(run_tool({"repair", store, target}).exit != 0);  // it is there already
  CHECK(run_tool({"repair", store, directory.path("other"), "--json"})
            .out.find(R"("complete":false)") != std::string::npos);
}

TEST_CASE("one bad line costs itself only") {
  const std::string name4097(4097, 'n');
  const std::vector<std::pair<std::string, std::string>> bad = {
      {replaced("\"a\"", "\"\""), "property: the name is empty"},
      {replaced("\"a\"", R"({"$bytes":""})"), "property: the name is empty"},
      {replaced("\"a\"", "\"" + name4097 + "\""), "property: 4097 bytes, and the limit is 4096"},
      {replaced(":1,", ":-1,"), "node: this is no unsigned integer"},
      {replaced(":1,", ":18446744073709551616,"), "a number is malformed or out of range"},
      {replaced(":1,", ":1.5,"), "node: this is no unsigned integer"},
      {replaced("\"property\"", R"("property_hash":7,"property")"), "exclude each other"},
      {replaced("1.0", "NaN"), "it is no JSON"},
      {replaced("1.0", "1e999"), "a number is malformed or out of range"},
      {replaced("1.0", "1.01"), "confidence: 1.01 is not in [0, 1]"},
      {replaced("\"actual\":2", "\"actual\":" + nested(17)), "nested more than 16 deep"},
      {replaced("\"actual\":2", "\"actual\":" + nested(2000)), "nested too deep"},
      {replaced("\"actual\":2", R"({"x":1})"), "it is no JSON"},
      {replaced("2022", "2322"), "created_at"},
      {replaced("Explicit", "Implicit"), "source"},
      {"\xff\xfe", "no UTF-8"},
  };
  const auto line = [](int node) {
    return replaced(":1,", ":" + std::to_string(node) + ",") + "\n";
  };
  for (const auto& [text, reason] : bad) {
    INFO(text.substr(0, 200));
    const TestDirectory directory;
    const auto input = line(10) + line(11) + text + "\n" + line(12);

    const auto skip =
        run_tool({"import", directory.path("skip"), "-", "--on-error", "skip"}, input);
    INFO(skip.err);
    CHECK(skip.exit == 0);
    CHECK(skip.err.find("caveat: line 3: ") == 0);
    CHECK(skip.err.find(reason) != std::string::npos);
    CHECK(run_tool({"count", directory.path("skip")}).out == "3\n");

    const auto stop = run_tool({"import", directory.path("stop"), "-"}, input);
    CHECK(stop.exit == 1);
    CHECK(stop.err == skip.err);
    CHECK(run_tool({"count", directory.path("stop")}).out == "2\n");
  }
}

TEST_CASE("a record that is too large is one bad line") {
  const TestDirectory directory;
  const std::string huge(std::size_t{65} << 20, 'x');
  const auto input = kGood + "\n" + replaced("\"reason\":\"\"", "\"reason\":\"" + huge + "\"") +
                     "\n" + replaced(":1,", ":2,") + "\n";
  const auto ran = run_tool({"import", directory.path("s"), "-", "--on-error", "skip"}, input);
  CHECK(ran.exit == 0);
  CHECK(ran.err.find("caveat: line 2: ") == 0);
  CHECK(run_tool({"count", directory.path("s")}).out == "2\n");
}

TEST_CASE("input that is cut short keeps what came before, and says how much") {
  const TestDirectory directory;
  const auto plain = directory.path("plain");
  write_file(plain, sample_records(50000));
  const auto packed = directory.path("packed.zst");
  if (std::system(("zstd -q " + plain + " -o " + packed + " 2>/dev/null").c_str()) != 0) {
    WARN("no zstd to pack with");
    return;
  }
  const auto bytes = read_file(packed);
  write_file(packed, bytes.substr(0, bytes.size() / 2));
  const auto ran = run_tool({"import", directory.path("s"), packed, "--json"});
  CHECK(ran.exit == 1);
  CHECK(ran.err == "caveat: " + packed + ": the compressed input ends in the middle of a frame\n");
  REQUIRE(ran.out.find("{\"records\":") == 0);
  CHECK(ran.out.find("\"complete\":false") != std::string::npos);
  const auto counted = run_tool({"count", directory.path("s")}).out;
  CHECK(ran.out.find("{\"records\":" + counted.substr(0, counted.size() - 1) + ",") == 0);
  CHECK(counted != "0\n");
}

TEST_CASE("a small budget imports the same records") {
  const TestDirectory directory;
  const auto records = sample_records(20000);
  const auto store = directory.path("s");
  REQUIRE(run_tool({"import", store, "-", "--memory", "8"}, records).exit == 0);
  CHECK(sorted_lines(run_tool({"dump", store}).out) == sorted_lines(records));
  for (const auto* size : {"99999999999999", "7", "0", "-1", "1048577"}) {
    const auto ran = run_tool({"import", store, "-", "--memory", size}, records);
    INFO(ran.err);
    CHECK(ran.exit == 2);
    CHECK(ran.err.find("--memory") != std::string::npos);
  }
}

TEST_CASE("a word that is no command is named") {
  CHECK(run_tool({"bogus"}).err ==
        "caveat: \"bogus\" is no command; \"caveat --help\" lists them\n");
  CHECK(run_tool({"verfiy", "s"}).err ==
        "caveat: \"verfiy\" is no command; did you mean \"verify\"?\n");
  CHECK(run_tool({"rebuild", "s"}).err ==
        "caveat: \"rebuild\" is no command; did you mean \"rebuild-indexes\"?\n");
  CHECK(run_tool({}).err == "caveat: a command is needed; \"caveat --help\" lists them\n");
  CHECK(run_tool({"bogus"}).exit == 2);
  const std::vector<std::pair<const char*, const char*>> meant = {
      {"QUERY", "query"}, {"imprt", "import"}, {"Stat", "stats"}, {"delete", "remove"},
      {"ls", "dump"},     {"help", "--help"},  {"rm", "remove"},  {"version", "--version"}};
  for (const auto& [word, command] : meant) {
    CHECK(run_tool({word, "s"}).err ==
          fmt::format("caveat: \"{}\" is no command; did you mean \"{}\"?\n", word, command));
  }
}

TEST_CASE("an option in place of a command is named, and what to do instead") {
  const std::vector<std::pair<const char*, const char*>> meant = {
      {"--hlep", "did you mean --help?"},
      {"--versoin", "did you mean --version?"},
      {"--Version", "did you mean --version?"},
      {"--generat=man", "did you mean --generate?"},
      {"-v", "did you mean --version?"},
      {"--json", "options of a command stand behind it: caveat COMMAND --json"},
      {"--where", "options of a command stand behind it: caveat COMMAND --where"},
      {"-o", "options of a command stand behind it: caveat COMMAND -o"},
      {"--bogus", "\"caveat --help\" lists them"},
      {"--", "\"caveat --help\" lists them"}};
  for (const auto& [option, advice] : meant) {
    const auto ran = run_tool({option, "stats", "s"});
    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err == fmt::format("caveat: {} is no option of caveat itself; {}\n", option, advice));
  }
}

TEST_CASE("messages cannot steer the terminal") {
  const TestDirectory directory;
  const auto store = make_store(directory, 7);
  const auto ran = run_tool({"get", store, "7", "\x1b[31mred\x07\xff\xc2\x9b"});
  CHECK(ran.exit == 3);
  CHECK(ran.err ==
        "caveat: node 7 has no exception of property \"\\x1b[31mred\\x07\\xff\\xc2\\x9b\"\n");
}

TEST_CASE("a resume token comes only where something is left") {
  const TestDirectory directory;
  const auto store = make_store(directory, 7);
  for (const auto* order : {"key", "time", "confidence"}) {
    const auto run = [&](const char* limit) {
      return run_tool({"query", store, "--order", order, "--limit", limit});
    };
    CHECK(run("7").err.empty());
    CHECK(run("8").err.empty());
    const auto six = run("6");
    CHECK(std::count(six.out.begin(), six.out.end(), '\n') == 6);
    REQUIRE(six.err.rfind("resume: ", 0) == 0);
    const auto token = six.err.substr(8, six.err.size() - 9);
    const auto rest = run_tool({"query", store, "--order", order, "--resume", token});
    CHECK(six.out + rest.out == run("7").out);
  }
}

TEST_CASE("a clear says how much it removed, and when there was nothing") {
  const TestDirectory directory;
  const auto store = make_store(directory, 70);
  const auto none = run_tool({"remove", store, "--clear-property", "nosuch", "--json"});
  CHECK(none.exit == 3);
  CHECK(none.out.empty());
  CHECK(none.err == "caveat: property \"nosuch\" has no exceptions\n");
  CHECK(run_tool({"remove", store, "--clear-node", "999"}).exit == 3);
  CHECK(run_tool({"remove", store, "--clear-node", "1", "--json"}).out ==
        "{\"removed\":true,\"records\":7}\n");
  CHECK(run_tool({"count", store}).out == "63\n");
}
