// Directory pages: the directory written down, a group a page.
//
//   meta key 'D' lower bound (16 bytes)   value page
//   meta key 'X' lower bound (16 bytes)   value empty: the page is out of date
//
//   page  0  u32 magic "CVDP"
//         4  u8  version (3)
//         5  u8  1: it has an upper bound, 0: it is the last
//         6  u8[2] zero
//         8  u32 entries (1 .. 128)
//        12  u32 low half of the XXH3-64 of all other bytes
//        16  u64 node, u64 property hash: the upper bound, or zeros
//        32  one column after the other, each with a number an entry: node (the difference to the
//            entry before), u64 property hash, partition id (zigzag of the difference), rows, run
//            rows, bytes, raw bytes, as_of (zigzag of the difference), blocks of its filter (0:
//            none); all but the hash are varints of each filter: varint hashes added, varint
//            capacity of each filter: 64 bytes a block
//
// Version 2, which is read and no longer written: at 32 entry*: u64 node, u64 property hash, u64
// id, u32 rows, u32 run rows, u32 bytes, u64 raw bytes, u64 as_of, u8 filter follows, filter?
//
// A page covers the keys from its lower bound to its upper one, which is where the next page
// begins: else the next one is missing, and neither is to be believed about the keys between.
// Pages are written at a clean close and after optimize. Before the first change to a partition
// since, its page is marked out of date in the batch that makes the change; at open such a stretch
// is read from the primary itself, so the directory can cost time, never be wrong.
// docs/format/directory.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/partition/directory.h"

namespace caveat {

inline constexpr std::size_t kDirectoryPageEntriesMax = kGroupPartitions;

[[nodiscard]] std::string directory_page_key(const ExceptionKey& lower);
[[nodiscard]] std::string directory_mark_key(const ExceptionKey& lower);

struct DirectoryPage {
  std::vector<PartitionEntry> entries;  // with version 0
  std::optional<ExceptionKey> upper;
};

void encode_directory_page(std::span<const PartitionEntry> entries,
                           const std::optional<ExceptionKey>& upper, std::string& out);

// `with_filters` false leaves the filters out.
[[nodiscard]] Result<DirectoryPage> decode_directory_page(std::string_view bytes,
                                                          bool with_filters);

}  // namespace caveat
