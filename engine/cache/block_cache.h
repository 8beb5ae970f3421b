// Partitions, decoded or with their keys alone, by partition and version.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/cache/sharded_cache.h"
#include "engine/sync/sync_point.h"

namespace caveat {

// A partition as of one of its versions. As versions are never reused, a late fill under an old
// one is harmless: nobody asks for it any more, and it ages out.
struct BlockKey {
  std::uint64_t partition_id = 0;
  std::uint64_t partition_version = 0;
  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

// The version under which caches keep what was read of a partition.
[[nodiscard]] inline std::uint64_t cache_version(std::uint64_t partition_version) noexcept {
  return CAVEAT_PLANTED(caches_ignore_versions) ? 0 : partition_version;
}
[[nodiscard]] inline BlockKey block_key(std::uint64_t id, std::uint64_t version) noexcept {
  return {id, cache_version(version)};
}

namespace detail {
// Murmur3's finaliser: every bit of the result depends on every bit of `h`.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t h) noexcept {
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDULL;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return h ^ (h >> 33);
}
}  // namespace detail

template <>
struct CacheKeyTraits<BlockKey> {
  [[nodiscard]] static std::uint64_t hash(const BlockKey& key) noexcept {
    return detail::mix_bits(key.partition_id * 0x9E3779B97F4A7C15ULL ^ key.partition_version);
  }
  // A rewrite must not make a hot partition prove itself again.
  [[nodiscard]] static std::uint64_t touch_hash(const BlockKey& key) noexcept {
    return detail::mix_bits(key.partition_id);
  }
};

// `Block` is what a partition decodes to.
template <class Block>
class BlockCache : public ShardedCache<BlockKey, Block> {
 public:
  // Decoded columns of some 256 records at 80 bytes each.
  static constexpr std::size_t kTypicalEntryBytes = std::size_t{20} << 10;
  // So that a store some times as large as the cache fills it in the end.
  static constexpr std::size_t kRemembered = 16;

  explicit BlockCache(std::size_t capacity_bytes)
      : ShardedCache<BlockKey, Block>({capacity_bytes, kTypicalEntryBytes, kRemembered}) {}
};

}  // namespace caveat
