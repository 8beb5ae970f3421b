// Files, pipes and zstd streams as ByteSource. Part of the line source.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tools/cli/line_source.h"

namespace caveat::cli {

struct OpenedBytes {
  std::unique_ptr<ByteSource> source;
  std::uint64_t total_bytes = 0;
};

// `bytes_read` counts what was taken from the file itself.
[[nodiscard]] Result<OpenedBytes> open_byte_source(const std::string& path,
                                                   std::shared_ptr<std::uint64_t> bytes_read);

// Takes compressed bytes from `inner`. Frames may follow one another.
[[nodiscard]] std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> inner,
                                                     const std::string& name = {});

// Puts `begin` back in front of `inner`.
[[nodiscard]] std::unique_ptr<ByteSource> with_begin(std::string begin,
                                                     std::unique_ptr<ByteSource> inner);

}  // namespace caveat::cli
