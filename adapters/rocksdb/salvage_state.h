// What a salvage has found: of each key, where the parts of its newest state lie.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/rocksdb/salvage.h"
#include "adapters/rocksdb/table_block.h"

namespace caveat::detail {

// Where one value is: in a block of a table, or in memory.
struct ValuePlace {
  static constexpr std::uint32_t kInMemory = ~std::uint32_t{0};
  std::uint32_t table = kInMemory;  // a number in SalvageState::tables
  std::uint32_t entry = 0;          // of the block; or a number in SalvageState::memory
  std::uint64_t bytes = 0;          // of the value
  BlockPlace block;
};

struct SalvagedEntry {
  std::string key;
  std::uint64_t sequence = 0;
  EntryKind kind = EntryKind::put;
  ValuePlace place;
};

struct ErasedRange {
  std::string first;
  std::string last;  // the first that is kept
  std::uint64_t sequence = 0;
};

// Oldest first. Only the first may be whole, the others were appended to it.
struct ValueChain {
  bool begins = false;
  std::vector<ValuePlace> parts;
};

struct SalvagedTable {
  std::filesystem::path path;
  TableChecksum checksum = TableChecksum::xxh3;
};

struct SalvageState {
  std::vector<SalvagedTable> tables;
  std::vector<std::string> memory;
  std::array<std::map<std::string, ValueChain, std::less<>>, kFamilyCount> families;

  [[nodiscard]] ValuePlace keep(std::string_view value) {
    memory.emplace_back(value);
    return {ValuePlace::kInMemory, static_cast<std::uint32_t>(memory.size() - 1), value.size(), {}};
  }
};

// The newest state of each key, out of all entries of a family in any order.
[[nodiscard]] std::map<std::string, ValueChain, std::less<>> newest_states(
    std::vector<SalvagedEntry> entries, const std::vector<ErasedRange>& erased);

// A value out of its parts. A part that stands in a later one too (a flush or a compaction joined
// them, and the file with the single ones was still there) counts once.
class JoinedValue {
 public:
  void add(std::string_view part, bool begins);
  [[nodiscard]] std::string take();

 private:
  std::string base_;
  std::string appended_;
  std::vector<std::size_t> begins_;  // of the parts of appended_
};

[[nodiscard]] std::unique_ptr<KvBackend> make_salvage_backend(SalvageState state, StorageError why);

}  // namespace caveat::detail
