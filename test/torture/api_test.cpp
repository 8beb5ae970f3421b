// The campaigns that let something fail in every public call: they have every one. The public
// headers say which there are.
#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "test/support/store_files.h"
#include "test/support/test_folder.h"
#include "test/torture/public_calls.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;
using Counts = std::map<std::string, std::size_t>;  // by "Class::function", overloads

// Functions that a header declares whose result must be looked at, which all are that can fail.
Counts declared_in(const std::string& header) {
  Counts counts;
  static const std::regex kComment("//[^\n]*");
  const std::string text = std::regex_replace(header, kComment, "");
  static const std::regex kScope(R"(^(class|struct) (\w+)[^;]*\{?$)");
  static const std::regex kCall(R"(^[^=(]*\b([a-z]\w*)\()");
  std::istringstream lines(text);
  std::string scope, declaration;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, kScope)) scope = found.str(2) + "::";
    if (line.starts_with("};")) scope.clear();
    const auto begin = line.find("[[nodiscard]]");
    if (begin != std::string::npos)
      declaration = line.substr(begin + 13);
    else if (!declaration.empty())
      declaration += " " + line;
    if (declaration.empty()) continue;
    // The type may have parentheses of its own: std::function<void()>.
    if (!std::regex_search(declaration, found, kCall)) continue;
    ++counts[scope + found.str(1)];
    declaration.clear();
  }
  return counts;
}

// What of a store's calls the campaigns leave out, and why.
const std::map<std::string, std::string> kLeftOut = {
    {"StorageOptimizer::engine", "for tools and tests"},
    {"Cursor::skip_damage", "nothing to skip without damage: test/engine/around_damage_test.cpp"},
    {"QueryPlan::to_string", "text of a value"},
    {"to_string", "text of a value"},
    {"Snapshot::*", "reads what it holds already"},
};

// Headers whose functions use no store.
const std::map<std::string, std::string> kNoStore = {
    {"block_resolver.h", "values in memory: test/block, test/bytes"},
    {"caveat.h", "includes the others"},
    {"codec.h", "a port, which hosts implement"},
    {"compressed_block.h", "values in memory: test/block, test/bytes"},
    {"encryption.h", "keys in memory, and ports: test/encryption"},
    {"error.h", "a value"},
    {"exception_view.h", "values in memory: test/model, test/bytes"},
    {"kv_backend.h", "a port; all calls go through both backends"},
    {"log_sink.h", "a port, which hosts implement"},
    {"options.h", "values"},
    {"ports.h", "ports, which hosts implement"},
    {"row_room.h", "memory of a cursor"},
    {"statistics.h", "values"},
    {"tuning.h", "values"},
    {"types.h", "values"},
    {"version.h", "constants"},
    {"write_batch.h", "made in memory; `write` takes it"},
};

Counts made_by(std::span<const PublicCall> calls) {
  Counts counts;
  for (const PublicCall& call : calls) {
    std::istringstream names{std::string(call.makes)};
    for (std::string name; names >> name;) ++counts[name];
  }
  return counts;
}

bool is_left_out(const std::string& name) {
  const std::string all = name.substr(0, name.find("::")) + "::*";
  return kLeftOut.contains(name) || kLeftOut.contains(all);
}

// Those that the calls do not make; each overload counts.
std::vector<std::string> missing(const Counts& declared, std::span<const PublicCall> calls) {
  Counts made = made_by(calls);
  std::vector<std::string> names;
  for (const auto& [name, overloads] : declared) {
    if (!is_left_out(name) && made[name] < overloads) names.push_back(name);
  }
  return names;
}

Counts declared_by_all() {
  Counts all;
  for (const auto& file : fs::directory_iterator(test_folder() / "../../engine/include/caveat")) {
    if (kNoStore.contains(file.path().filename().string())) continue;
    for (const auto& [name, count] : declared_in(bytes_of(file.path()))) all[name] += count;
  }
  return all;
}

}  // namespace

TEST_CASE("every public call is among those in which something fails", "[faults][alloc]") {
  const Counts declared = declared_by_all();
  CHECK(declared.size() > 45);
  for (const std::string& name : missing(declared, public_calls())) {
    FAIL_CHECK(name << " is in none of public_calls.cpp, reading_calls.cpp, file_calls.cpp, and "
                    << "api_test.cpp has no reason");
  }
  // Nothing is said to be made, or left out, that is not there.
  for (const auto& [name, count] : made_by(public_calls())) {
    INFO(name);
    CHECK((name == "salvage_files" || declared.contains(name)));
  }
  for (const auto& [name, why] : kNoStore) {
    INFO(name);
    CHECK(fs::exists(test_folder() / "../../engine/include/caveat" / name));
  }
}

TEST_CASE("planted: a public call that nobody tries is noticed", "[faults][alloc][planted]") {
  const auto calls = public_calls();
  for (const std::string_view left_out : {"bulk-store-views", "restore", "metrics", "open"}) {
    std::vector<PublicCall> rest(calls.begin(), calls.end());
    const auto out = [&](const PublicCall& call) {
      return call.name == left_out || (left_out == "restore" && call.name == "restore-over");
    };
    rest.erase(std::remove_if(rest.begin(), rest.end(), out), rest.end());
    INFO(left_out);
    CHECK(missing(declared_by_all(), rest).size() >= 1);
  }
  const Counts declared = declared_in(
      "class Store {\n public:\n  // [[nodiscard]] Result<int> not_one();\n"
      "  [[nodiscard]] static Result<std::vector<int>>\n      first(int a);\n"
      "  [[nodiscard]] Result<void> second(const std::function<void()>& f);\n"
      "  [[nodiscard]] Result<void> second();\n};\n[[nodiscard]] int third(Store&);\n");
  CHECK(declared == Counts{{"Store::first", 1}, {"Store::second", 2}, {"third", 1}});
}

}  // namespace caveat::test
