// The files that make up a store at one moment, held still while somebody copies them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rocksdb {
class DB;
}

namespace caveat::detail {

struct LiveFile {
  std::string name;
  std::uint64_t size = 0;  // the file may be longer by now
  std::string contents;    // if not empty: instead of what is in the file
  std::string identity;    // of a table: unlike any other's
};

// RocksDB deletes nothing while one lives. Keeps the database from being closed.
class LiveFiles {
 public:
  virtual ~LiveFiles() = default;
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] const std::vector<LiveFile>& files() const noexcept { return files_; }

 protected:
  LiveFiles() = default;
  std::filesystem::path directory_;
  std::vector<LiveFile> files_;
};

}  // namespace caveat::detail
