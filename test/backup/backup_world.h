// A store with backups beside it, and what tests of them have in common.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "adapters/rocksdb/backup_files.h"
#include "caveat/backup.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace fs = std::filesystem;
using detail::BackupDirectory;
using detail::BackupManifest;

inline constexpr PropertyHash kProperty = 77;

inline Exception numbered(NodeId node) {
  Exception exception;
  exception.actual_value = static_cast<std::int64_t>(node);
  exception.source = static_cast<ExceptionSource>(node % kExceptionSourceCount);
  exception.reason = "reason " + std::to_string(node * 0x9E3779B97F4A7C15U);
  exception.created_at = static_cast<std::int64_t>(node) * 1'000'000'000;
  return exception;
}

inline Options small_store() {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.background_maintenance = false;
  return options;
}

// A store with backups beside it, and a place to restore to.
struct World {
  ScratchDirectory directory;
  fs::path store_path = directory.path() / "store";
  fs::path backups = directory.path() / "backups";
  fs::path restored = directory.path() / "restored";
  StorageOptimizer store = value_of(StorageOptimizer::open(store_path, small_store()));

  void add(NodeId from, NodeId to) { store_nodes(store, kProperty, from, to, numbered); }
};

// The store at `path` holds the nodes below `end`, no others, and is sound.
inline void check_holds(const fs::path& path, NodeId end) {
  auto store = value_of(StorageOptimizer::open(path, small_store()));
  CHECK(value_of(store.count({})) == end);
  for (NodeId node = 0; node < end; node += 97) {
    CHECK(value_of(store.retrieve_exception({node, kProperty})) == numbered(node));
  }
  CHECK(value_of(store.verify()).sound());
  value_of(store.close());
}

inline std::size_t usable(const fs::path& backups) {
  std::size_t count = 0;
  for (const auto& listed : value_of(list_backups(backups))) count += listed.info ? 1U : 0U;
  return count;
}

inline fs::path manifest_of(const fs::path& backups, std::uint64_t id) {
  char name[32];
  std::snprintf(name, sizeof name, "%06u.backup", static_cast<unsigned>(id));
  return backups / name;
}

inline std::set<std::string> contents_of(const fs::path& backups) {
  std::set<std::string> names;
  for (const auto& file : fs::directory_iterator(backups / "files")) {
    names.insert(file.path().filename().string());
  }
  return names;
}

inline std::string largest_of(const fs::path& backups) {
  std::string largest;
  std::uintmax_t bytes = 0;
  for (const std::string& name : contents_of(backups)) {
    const auto size = fs::file_size(backups / "files" / name);
    if (size <= bytes) continue;
    bytes = size;
    largest = name;
  }
  return largest;
}

inline void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Says no to the call with that number.
class StopsAt final : public ProgressSink {
 public:
  explicit StopsAt(std::uint64_t call) : left_(call) {}
  [[nodiscard]] bool on_progress(const Progress& progress) override {
    if (progress.total != 0) CHECK(progress.done <= progress.total);
    stages.insert(std::string(progress.stage));
    return left_-- > 0;
  }
  std::set<std::string> stages;

 private:
  std::uint64_t left_;
};

}  // namespace caveat::test
