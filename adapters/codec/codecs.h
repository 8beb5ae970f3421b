// The built-in codecs behind the codec port. Stateless to their callers and thread-safe: working
// memory is kept per thread.
#pragma once

#include <cstddef>
#include <memory>

#include "caveat/codec.h"

namespace caveat {

// Stores as it is: for blocks of CompressionAlgorithm::None.
[[nodiscard]] std::shared_ptr<const Codec> make_null_codec();

// lz4: fast up to level 9, high compression above. Uses no dictionary.
[[nodiscard]] std::shared_ptr<const Codec> make_lz4_codec(int level);

// zstd at a level of 1 to 19 (others are brought into that range), bare frames: no magic, size,
// checksum or dictionary id, which the block's header has.
[[nodiscard]] std::shared_ptr<const Codec> make_zstd_codec(int level);

// The prepared form that zstd keeps in CompressionDictionary::digested.
[[nodiscard]] std::shared_ptr<void> digest_zstd_dictionary(std::string_view bytes);

}  // namespace caveat
