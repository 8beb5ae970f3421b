// Directory pages: the directory written down, a group a page.
//
//   meta key 'D' lower bound (16 bytes)   value page
//   meta key 'X' lower bound (16 bytes)   value empty: the page is out of date
//
//   page  0  u32 magic "CVDP"
//         4  u8  version (1)
//         5  u8[3] zero
//         8  u32 entries (1 .. 4096)
//        12  u32 low half of the XXH3-64 of all other bytes
//        16  entry*: u64 node, u64 property hash, u64 id, u32 rows, u32 run rows, u32 bytes,
//                    u64 raw bytes, u64 as_of, u8 filter follows, filter?
//
// A page covers the keys from its lower bound to that of the next page. Pages are written at a
// clean close and after optimize. Before the first change to a partition since, its page is marked
// out of date in the batch that makes the change; at open such a stretch is read from the primary
// itself, so the directory can cost time, never be wrong. docs/format/directory.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/partition/directory.h"

namespace caveat {

inline constexpr std::size_t kDirectoryPageEntriesMax = 4096;

[[nodiscard]] std::string directory_page_key(const ExceptionKey& lower);
[[nodiscard]] std::string directory_mark_key(const ExceptionKey& lower);

void encode_directory_page(const std::vector<PartitionEntry>& entries, std::string& out);

// Entries with version 0. `with_filters` false leaves the filters out.
[[nodiscard]] Result<std::vector<PartitionEntry>> decode_directory_page(std::string_view bytes,
                                                                        bool with_filters);

}  // namespace caveat
