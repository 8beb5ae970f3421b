// The files of a store, for tests that damage them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace caveat::test {

[[nodiscard]] inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The tables of a column family ("default" is meta), by their names. Each names its family among
// its properties.
[[nodiscard]] inline std::vector<std::filesystem::path> tables_of(
    const std::filesystem::path& store, std::string_view column_family) {
  const std::string property = "name" + std::string(column_family);
  std::vector<std::filesystem::path> tables;
  for (const auto& file : std::filesystem::directory_iterator(store)) {
    if (file.path().extension() != ".sst") continue;
    if (bytes_of(file.path()).find(property) != std::string::npos) tables.push_back(file.path());
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

// Changes one bit; the second time it is as it was.
inline void flip_bit(const std::filesystem::path& file, std::uint64_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

}  // namespace caveat::test
