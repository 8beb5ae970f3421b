// A tree of directories that a program changes by libc's functions, and what a loss of power would
// leave of it: for what the store writes itself, without RocksDB's file system. Backups and
// restores.
//
// As in disk_state.h a file's bytes are on the device up to where it was synced, and a name is once
// its directory was synced; what else is there may be there or not, each by itself. A rename, and
// an exchange of two names, is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "test/torture/disk_state.h"

namespace caveat::test {

struct TreeEvent {
  enum class Kind : std::uint8_t {
    open,  // to write; number: 1 if what is there goes
    write,
    sync,  // of a file or a directory
    make_directory,
    rename,
    exchange,
    erase,
    mark,  // not an operation: what the program knows. number: its own
  };
  Kind kind = Kind::write;
  std::string path;  // below the tree's directory
  std::string other;
  std::string bytes;
  std::uint64_t number = 0;

  [[nodiscard]] bool is_operation() const noexcept { return kind != Kind::mark; }
};

// Notes what this process does below a directory, while it lives. One at a time.
class TreeWatch {
 public:
  explicit TreeWatch(std::filesystem::path directory);
  ~TreeWatch();
  TreeWatch(const TreeWatch&) = delete;
  TreeWatch& operator=(const TreeWatch&) = delete;

  void mark(std::uint64_t number);
  // The planted fault: syncs succeed, and nothing is on the device.
  void lie_about_syncs() { lies_ = true; }
  [[nodiscard]] std::vector<TreeEvent> take_events();

  // Asked by libc's functions in this executable (own_calls.cpp), once they have succeeded.
  static void note(TreeEvent::Kind kind, const char* path, const char* other = nullptr,
                   std::uint64_t number = 0);
  static void note(TreeEvent::Kind kind, int descriptor, std::string_view bytes = {});
  [[nodiscard]] static bool watching() noexcept;

 private:
  [[nodiscard]] std::optional<std::string> below(const std::filesystem::path& path) const;
  void add(TreeEvent event);

  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::vector<TreeEvent> events_;
  bool lies_ = false;
};

// The tree as events make it, beginning empty and on the device.
class TreeDisk {
 public:
  void apply(const TreeEvent& event);
  // Makes the directory anew.
  void write_after(PowerLoss way, std::uint64_t seed, const std::filesystem::path& directory) const;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  // Names that come to stand for something else, or nothing, all at once.
  struct Change {
    std::vector<std::pair<std::string, NodePtr>> names;
  };
  struct Node {
    bool directory = false;
    std::string bytes;
    std::size_t synced = 0;
    Names names;
    Names durable;
    std::vector<Change> changes;  // since it was synced
  };
  [[nodiscard]] NodePtr find(const std::string& path) const;
  [[nodiscard]] static NodePtr made(bool directory);
  void change(const std::filesystem::path& path,
              std::vector<std::pair<std::string, NodePtr>> names);
  static void apply(const Change& change, Names& names);
  static void write(const Node& node, PowerLoss way, std::mt19937_64& random,
                    const std::filesystem::path& to);

  NodePtr root_ = made(true);
};

}  // namespace caveat::test
