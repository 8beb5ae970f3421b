// All blocks of a table that can be read, whatever part of the table is damaged.
//
// Where its footer and index are sound they say where the blocks are. Where they are not, blocks
// are walked one after another from the table's begin: each ends where its checksum agrees. Behind
// a damaged one the next is looked for byte by byte.
// docs/decisions/0103-salvage-from-the-tables.md
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/rocksdb/table_block.h"

namespace caveat::detail {

// A stretch of which no entry can be read.
struct TableGap {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::optional<std::string> before;  // the last key before it, and the first behind it
  std::optional<std::string> behind;
};

struct TableWalk {
  // Of each sound block of entries, in key order, and of range tombstones. The view ends with it.
  std::function<void(BlockPlace, std::string_view raw)> on_block;

  // --- Found ---
  std::string family;  // the column family's name; empty: not to be read
  std::optional<std::uint32_t> family_id;
  std::vector<TableGap> gaps;
  // Of the parts without which RocksDB opens no table; empty: they are sound.
  std::string end_damage;
  // Without range tombstones; as the table says, where that can be read.
  std::optional<std::uint64_t> entries_said;
  std::uint64_t entries_found = 0;
  TableChecksum checksum = TableChecksum::xxh3;

  void run(std::string_view file);

 private:
  void read_end(std::string_view file);
  void read_properties(std::string_view properties);
  void take(BlockPlace place, std::string_view raw);
  void gap(std::uint64_t from, std::uint64_t to);
  bool walk_by_index(std::string_view file);
  void walk_by_blocks(std::string_view file);

  std::optional<std::vector<BlockPlace>> index_;
  std::optional<BlockPlace> erased_ranges_;
  std::optional<std::string> last_key_;
  bool properties_read_ = false;
};

}  // namespace caveat::detail
