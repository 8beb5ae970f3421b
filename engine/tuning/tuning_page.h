// What was chosen, on disk: one value, written when the store has chosen.
//
//   meta key 'O', 32 bytes and 12 for each trial:
//    0  u32 magic "CVTU"       8  u64 records that the store had     32  trials, each:
//    4  u8  version (1)       16  u32 records that were measured      0  u8  what (Tuned)
//    5  u8  when (Moment)     20  u32 zero                            1  u8  1: chosen, else 0
//    6  u8  trials            24  u64 XXH3-64 of all other bytes      2  u16 zero
//    7  u8  zero                                                      4  u32 value
//                                                                     8  u32 1/1000 bytes a record
//
// Trials of one option are neighbours, options in the order of their numbers, and one trial of each
// is chosen. It explains and decides; no record needs it to be read. docs/format/tuning.md.
#pragma once

#include <string>
#include <string_view>

#include "caveat/error.h"
#include "engine/tuning/tuning.h"

namespace caveat {

inline constexpr std::string_view kTuningKey = "O";

void encode_tuning(const Tuning& tuning, std::string& out);
// Corruption, or unsupported_format for a newer version.
[[nodiscard]] Result<Tuning> decode_tuning(std::string_view bytes);

}  // namespace caveat
