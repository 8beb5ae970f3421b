// The superblock: what kind of store this is, and the few numbers that must never go back.
//
//   meta key 'S', 64 bytes:
//    0  u32 magic "CVSB"             24  u64 last sequence folded into partitions
//    4  u16 format version (1)       32  u64 partition ids below this are taken
//    6  u8  temporal shift           40  u64 newest delta generation that was dropped
//    7  u8  families not complete    48  u64 zero
//    8  u64 feature bits            56  u64 XXH3-64 of the 56 bytes before
//   16  i64 created, ns since epoch
//
// A store whose format version or feature bits (features.h) are unknown is refused.
// docs/format/superblock.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "caveat/kv_backend.h"
#include "engine/model/row.h"

namespace caveat {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kSuperblockBytes = 64;
inline constexpr std::string_view kSuperblockKey = "S";
// No store has come so far: sequences and generations go up one by one.
inline constexpr std::uint64_t kCountersEnd = std::uint64_t{1} << 63;

struct Superblock {
  std::uint8_t temporal_shift = 36;
  // By Family: an index family that is being rebuilt or was found damaged.
  std::array<bool, kFamilyCount> index_complete = {true, true, true, true, true, true, true};
  std::uint64_t features = 0;  // as stored: it is for check_features to refuse what is unknown
  std::int64_t created_ns = 0;
  Sequence folded_through = 0;
  std::uint64_t partition_ids_end = 1;  // id 0 is no partition
  std::uint64_t dropped_generation = 0;

  void encode(std::string& out) const;
  [[nodiscard]] static Result<Superblock> decode(std::string_view bytes);
};

}  // namespace caveat
