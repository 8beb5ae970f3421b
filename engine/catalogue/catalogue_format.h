// How the catalogue is stored, in family meta. docs/format/catalogue.md.
//
//   key 'N' hash BE          value name bytes           a name that waits for its id
//   key 'C' page u32 BE      value segment+             ids [page * 1024, page * 1024 + 1024)
//
//   segment  0  u32 magic "CVCT"
//            4  u8  version (2)
//            5  u8  zero
//            6  u16 entries, at least one
//            8  u32 bytes of the segment, this header included
//           12  u32 low half of the XXH3-64 of all other bytes
//           16  u32 id of the first entry; each of the others has the next one
//           20  a varint an entry: bytes that its name shares with the name before
//               a varint an entry: bytes of its name after those (both 0: no name)
//               these bytes, of all entries end to end
//               a u64 for each entry without a name: its hash (a name's is XXH3-64, seed 0)
//
// Version 1, which is read and no longer written: at 16 entry*: u32 id, u64 hash, u16 name length
// (0: none), name.
//
// Segments are appended; a later entry of the same id gives it its name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/types.h"

namespace caveat::catalogue_format {

inline constexpr std::uint32_t kMagic = 0x54435643;  // "CVCT"
inline constexpr std::uint8_t kVersion = 2;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kEntriesMax = 4096;
inline constexpr std::uint32_t kIdsPerPage = 1024;

struct Entry {
  std::uint32_t id;
  PropertyHash hash;
  std::string_view name;  // empty: none; else `hash` is the name's
};

[[nodiscard]] std::string waiting_key(PropertyHash hash);
[[nodiscard]] std::string page_key(std::uint32_t page);

// At least one entry and at most kEntriesMax. One segment for each stretch of ids without a gap.
void append_segments(const std::vector<Entry>& entries, std::string& out);

// Gives each entry of a page's value to `take`, in order and up to the first segment that is not
// sound; stops where `take` fails. A name lives as long as the call.
[[nodiscard]] Result<void> read_page(std::string_view value,
                                     const std::function<Result<void>(const Entry&)>& take);

}  // namespace caveat::catalogue_format
