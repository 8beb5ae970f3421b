// Decoded posting containers, by content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/cache/sharded_cache.h"
#include "indexes/container_cache.h"

namespace caveat {

template <>
struct CacheKeyTraits<posting::ContainerStamp> {
  [[nodiscard]] static std::uint64_t hash(const posting::ContainerStamp& key) noexcept {
    const std::uint64_t h = (key.content ^ key.bytes) * 0x9E3779B97F4A7C15ULL;
    return h ^ (h >> 32);
  }
  [[nodiscard]] static std::uint64_t touch_hash(const posting::ContainerStamp& key) noexcept {
    return hash(key);
  }
};

class IndexCache final : public posting::ContainerCache {
 public:
  explicit IndexCache(std::size_t capacity_bytes) : cache_({capacity_bytes, kTypicalEntryBytes}) {}

  [[nodiscard]] std::shared_ptr<const posting::DecodedContainer> find(
      const posting::ContainerStamp& stamp) override {
    return cache_.lookup(stamp);
  }
  [[nodiscard]] bool wants(const posting::ContainerStamp& stamp) override {
    return cache_.wants(stamp);
  }
  void keep(const posting::ContainerStamp& stamp,
            std::shared_ptr<const posting::DecodedContainer> decoded) override {
    const std::size_t bytes = decoded->memory_bytes();
    cache_.insert(stamp, std::move(decoded), bytes, Admission::now);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return cache_.bytes(); }
  [[nodiscard]] CacheStatistics statistics() const noexcept { return cache_.statistics(); }

 private:
  static constexpr std::size_t kTypicalEntryBytes = std::size_t{32} << 10;
  ShardedCache<posting::ContainerStamp, posting::DecodedContainer> cache_;
};

}  // namespace caveat
