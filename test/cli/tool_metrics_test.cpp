// caveat metrics: the text of the library, of a store that may be open elsewhere.
#include <catch2/catch.hpp>

#include "test/cli/tool.h"

namespace caveat::test {

TEST_CASE("caveat metrics prints what Prometheus reads, and changes nothing", "[tool]") {
  const TestDirectory directory;
  const std::string store = directory.path("store");
  REQUIRE(run_tool({"import", store, "-"}, sample_records(700)).exit == 0);
  const Ran ran = run_tool({"metrics", store});
  CHECK(ran.exit == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out.find("# HELP caveat_store_open ") == 0);
  CHECK(ran.out.find("\n# TYPE caveat_records gauge\ncaveat_records 700\n") != std::string::npos);

  CHECK(run_tool({"metrics", directory.path("absent")}).exit == 3);
  CHECK(run_tool({"metrics", store, "--json"}).out.find("\"caveat_records\":700.0,") !=
        std::string::npos);
}

}  // namespace caveat::test
