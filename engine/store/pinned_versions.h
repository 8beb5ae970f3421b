// What versions that are not the newest keep from being given back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/store/version.h"

namespace caveat {

struct PinnedVersions {
  std::uint64_t versions = 0;
  std::uint64_t memory_bytes = 0;  // delta generations, directory and filters
  // Containers and log records that the newest version does not refer to. At most: a container that
  // was only appended to since is part of the one that took its place.
  std::uint64_t stored_bytes = 0;
};

// `held` are different from each other and older than `newest`; what they share counts once. Linear
// in the partitions that have changed since.
[[nodiscard]] PinnedVersions measure_pinned(std::span<const std::shared_ptr<const Version>> held,
                                            const Version& newest);

}  // namespace caveat
