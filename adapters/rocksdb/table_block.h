// Blocks of RocksDB's tables, read without RocksDB: it gives up a table of which it cannot read the
// end, and hides what a salvage has to know, the sequence and the kind of each entry.
//
//   block    contents | kind of compression u8 | checksum u32
//   packed   raw size (varint) | an LZ4 block or a zstd frame
//   raw      entries | restart points u32... | their number u32
//   entry    shared, own, value: bytes (varints) | own part of the key | value
//   key      the user's | kind u8 and sequence u56, as one little-endian u64
//
// Block-based tables, format version 5, as rocksdb_options.cpp asks for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caveat::detail {

inline constexpr std::size_t kBlockTrailerBytes = 5;
inline constexpr std::size_t kEntryKeyTailBytes = 8;
inline constexpr std::size_t kRawBlockBytesMax = std::size_t{1} << 30;

enum class TableChecksum : std::uint8_t { crc32c = 1, xxh3 = 4 };

struct BlockPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // without the trailer
};

// Is it there whole, and does its checksum agree?
[[nodiscard]] bool is_sound_block(std::string_view file, BlockPlace place,
                                  TableChecksum checksum) noexcept;
// Raw. Nothing where it is not sound, or does not unpack.
[[nodiscard]] std::optional<std::string> read_block(std::string_view file, BlockPlace place,
                                                    TableChecksum checksum);

enum class EntryKind : std::uint8_t { erase = 0, put = 1, append = 2, erase_range = 15 };

struct TableEntry {
  std::string_view key;  // the user's
  std::uint64_t sequence = 0;
  EntryKind kind = EntryKind::put;
  std::string_view value;
};

// The entries of a raw block, which must outlive it. Total: what is malformed ends it.
class BlockEntries {
 public:
  explicit BlockEntries(std::string_view block) noexcept;

  // Keys as they are stored, the tail included.
  [[nodiscard]] bool next_raw(std::string_view& key, std::string_view& value);
  // False also at an entry that is none of ours.
  [[nodiscard]] bool next(TableEntry& entry);
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty() && sound_; }

 private:
  std::string_view rest_;
  std::string key_;
  bool sound_ = true;
};

// Every entry of the raw block is one of ours: it holds records, no part of a table's end.
[[nodiscard]] bool holds_entries(std::string_view block);

// Where the raw block ends that begins at `offset` and is stored as it is, by its entries alone;
// nothing if none does. Its checksum agrees.
[[nodiscard]] std::optional<BlockPlace> find_raw_block(std::string_view file, std::uint64_t offset,
                                                       TableChecksum checksum);
// The same of a packed one, which says how long it will be, but not how long it is: every length is
// tried, until `bytes_max` bytes were read for it.
[[nodiscard]] std::optional<BlockPlace> find_packed_block(std::string_view file,
                                                          std::uint64_t offset,
                                                          TableChecksum checksum,
                                                          std::uint64_t bytes_max);

}  // namespace caveat::detail
