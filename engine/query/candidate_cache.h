// Where a term's hints lead in one state of the store: asked again, a query goes there at once.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "caveat/index_manager.h"
#include "engine/cache/block_cache.h"
#include "engine/query/position_walk.h"

namespace caveat {

// One term of one index, in versions with the same `places` (engine/store/version.h).
struct CandidateKey {
  std::uint64_t places = 0;
  Family family = Family::property;
  std::uint64_t term = 0;
  friend bool operator==(const CandidateKey&, const CandidateKey&) = default;
};

template <>
struct CacheKeyTraits<CandidateKey> {
  [[nodiscard]] static std::uint64_t hash(const CandidateKey& key) noexcept {
    return detail::mix_bits((key.places * 0x9E3779B97F4A7C15ULL ^ key.term) +
                            static_cast<std::uint64_t>(key.family));
  }
  [[nodiscard]] static std::uint64_t touch_hash(const CandidateKey& key) noexcept {
    return hash(key);
  }
};

struct Candidates {
  detail::PositionSet positions;
  std::uint64_t gone = 0;  // ids that are no partition any more

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(*this) + positions.size() * sizeof(Directory::Position);
  }
};

// Thread-safe. What no version is in any more is pushed out by what is asked for.
class CandidateCache {
 public:
  explicit CandidateCache(std::size_t capacity_bytes)
      : cache_({capacity_bytes, kTypicalEntryBytes}) {}

  [[nodiscard]] std::shared_ptr<const Candidates> find(const CandidateKey& key) const noexcept {
    return cache_.lookup(key);
  }
  void keep(const CandidateKey& key, Candidates candidates) {
    // One that names many partitions is a small part of its query.
    const std::size_t bytes = candidates.bytes();
    if (bytes > kEntryBytesMax || !cache_.wants(key)) return;
    cache_.insert(key, std::make_shared<const Candidates>(std::move(candidates)), bytes,
                  Admission::now);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return cache_.bytes(); }
  [[nodiscard]] CacheStatistics statistics() const noexcept { return cache_.statistics(); }

 private:
  static constexpr std::size_t kTypicalEntryBytes = 512;
  static constexpr std::size_t kEntryBytesMax = std::size_t{16} << 10;
  ShardedCache<CandidateKey, Candidates> cache_;
};

}  // namespace caveat
