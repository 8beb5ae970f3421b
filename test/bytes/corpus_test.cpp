// Writes the samples of all formats into folders: what fuzzing starts from (tools/torture fuzz).
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test/support/formats/format.h"

namespace caveat::test {

TEST_CASE("write the samples down", "[.corpus]") {
  const char* folder = std::getenv("CAVEAT_CORPUS");
  REQUIRE(folder != nullptr);
  for (const auto& format : all_formats()) {
    const auto to = std::filesystem::path(folder) / format.name;
    std::filesystem::create_directories(to);
    for (std::size_t i = 0; i < format.samples.size(); ++i) {
      std::ofstream out(to / ("sample-" + std::to_string(i)), std::ios::binary);
      out << format.samples[i];
    }
  }
}

}  // namespace caveat::test
