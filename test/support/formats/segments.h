// Pieces that formats are made of, for the formats that hold them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "caveat/codec.h"
#include "test/support/formats/format.h"

namespace caveat::test {

[[nodiscard]] std::string cldr_block(std::size_t records, CodecId codec);
// Length and checksum of what is a block from `at` on to the end.
void seal_block(std::string& bytes, std::size_t at);

// Where the segments end of a value whose segments say their size in a u32 at `size_at`, plus
// `fixed` bytes.
[[nodiscard]] std::vector<std::size_t> segment_ends(std::string_view bytes, std::size_t size_at,
                                                    std::size_t fixed);

}  // namespace caveat::test
