// Golden files of one line a case, in any order.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace caveat::test {

// The line must be in the file. With CAVEAT_REGENERATE set it is appended first.
inline void check_golden_line(const std::filesystem::path& path, const std::string& line) {
  if (std::getenv("CAVEAT_REGENERATE") != nullptr)
    std::ofstream(path, std::ios::app) << line << '\n';
  std::ifstream file(path);
  std::vector<std::string> golden;
  for (std::string there; std::getline(file, there);) golden.push_back(there);
  INFO(line);
  CHECK(std::find(golden.begin(), golden.end(), line) != golden.end());
}

}  // namespace caveat::test
