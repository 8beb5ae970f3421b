// Resume tokens: where a query goes on, as text. Layout in docs/format/resume_token.md.
//
//   0  u8  version (1)        8  u64 fingerprint of conditions, order and direction
//   1  u8  flags: 1 = after  16  u64 sort value
//   2  u8[6] zero            24  u64 node
//                            32  u64 property hash
//                            40  u64 XXH3-64 of the 40 bytes before
//
// Little-endian, written as 96 lowercase hex digits. Without the flag the token stands before the
// first result, and the position is zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "caveat/query.h"
#include "engine/query/sort_position.h"

namespace caveat::detail {

inline constexpr std::size_t kTokenBytes = 48;
inline constexpr std::uint8_t kTokenVersion = 1;

// Of everything that decides which results come in which order; not of the limit or the token.
[[nodiscard]] std::uint64_t query_fingerprint(const Query& query) noexcept;

// `after` nothing: the start.
[[nodiscard]] std::string encode_resume_token(std::uint64_t fingerprint,
                                              const std::optional<SortPosition>& after);

// The position to go on after; nothing for a start token. invalid_argument for anything that
// encode_resume_token would not give for this fingerprint.
[[nodiscard]] Result<std::optional<SortPosition>> decode_resume_token(std::string_view token,
                                                                      std::uint64_t fingerprint);

}  // namespace caveat::detail
