// Unpacking what may claim anything: memory follows what a frame gives, not what it says it will.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace caveat::detail {

// The contents of one zstd frame; nothing unless they are `size` bytes, and all of the frame was
// needed for them. Throws std::bad_alloc.
[[nodiscard]] std::optional<std::string> unpack_frame(std::string_view frame, std::size_t size);

}  // namespace caveat::detail
