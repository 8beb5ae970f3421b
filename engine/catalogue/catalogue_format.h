// How the catalogue is stored, in family meta. docs/format/catalogue.md.
//
//   key 'N' hash BE          value name bytes           a name that waits for its id
//   key 'C' page u32 BE      value segment+             ids [page * 1024, page * 1024 + 1024)
//
//   segment  0  u32 magic "CVCT"
//            4  u8  version (1)
//            5  u8  zero
//            6  u16 entries
//            8  u32 bytes of the segment, this header included
//           12  u32 low half of the XXH3-64 of all other bytes
//           16  entry*: u32 id, u64 hash, u16 name length, name (length 0: none)
//
// Segments are appended; a later entry of the same id gives it its name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/types.h"

namespace caveat::catalogue_format {

inline constexpr std::uint32_t kMagic = 0x54435643;  // "CVCT"
inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kEntriesMax = 4096;
inline constexpr std::uint32_t kIdsPerPage = 1024;

struct Entry {
  std::uint32_t id;
  PropertyHash hash;
  std::string_view name;
};

[[nodiscard]] std::string waiting_key(PropertyHash hash);
[[nodiscard]] std::string page_key(std::uint32_t page);

// At most kEntriesMax entries.
void append_segment(const std::vector<Entry>& entries, std::string& out);

// All entries of a page's value, in order; names point into it.
[[nodiscard]] Result<std::vector<Entry>> parse_page(std::string_view value);

}  // namespace caveat::catalogue_format
