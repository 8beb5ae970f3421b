// What was done to the files of one directory, in order: enough to make the directory as it was, or
// as a loss of power would have left it, at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace caveat::test {

struct DiskEvent {
  enum class Kind : std::uint8_t {
    // Operations: a loss of power may come before each.
    create,
    append,
    sync,        // of a file: what was written before is on the device
    range_sync,  // promises nothing
    truncate,    // number: the size
    rename,      // other: the new name
    link,        // other: the new name
    erase,
    sync_directory,
    // Not through RocksDB's file system: the store's own lock file.
    own_write,  // bytes: all of it
    own_sync,
    // What the workload knows. number: the step.
    step_begins,
    step_acknowledged,
  };
  Kind kind = Kind::append;
  std::uint64_t file = 0;  // the same through renames
  std::uint64_t number = 0;
  std::string name;
  std::string other;
  std::string bytes;

  [[nodiscard]] bool is_operation() const noexcept { return kind < Kind::own_write; }
};

struct DiskTrace {
  // At the beginning, all of it on the device.
  std::map<std::string, std::string> files;
  std::vector<DiskEvent> events;

  [[nodiscard]] std::uint64_t operations() const;

  void save(const std::filesystem::path& path) const;
  // Nothing if there is no such file, or it is none.
  [[nodiscard]] static std::optional<DiskTrace> load(const std::filesystem::path& path);
};

}  // namespace caveat::test
