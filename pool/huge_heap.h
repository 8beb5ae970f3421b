// Memory in huge pages, from which a pool cuts its chunks.
//
// Reads of decoded blocks and recent rows go anywhere: in pages of 4 KiB nearly each of them misses
// the TLB as well as the caches, and each page costs a fault at its first touch
// (docs/decisions/0080). The system gives huge pages only to who asks for whole ones:
//
//   region, 2 MiB, aligned: one huge page
//   +-------+-----------------+------+--------------------+-----------------------+
//   | piece | piece           | free | piece              | free                  |
//   +-------+-----------------+------+--------------------+-----------------------+
//   in granules of 512 bytes, one bit each
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

namespace caveat {

// Not thread-safe: its pool locks. Where the system has no huge pages it is ordinary memory.
class HugeHeap {
 public:
  static constexpr std::size_t kRegionBytes = std::size_t{2} << 20;
  static constexpr std::size_t kGranuleBytes = 512;

  HugeHeap() = default;
  ~HugeHeap();  // asserts that all pieces were given back
  HugeHeap(const HugeHeap&) = delete;
  HugeHeap& operator=(const HugeHeap&) = delete;

  // `bytes` bytes, a multiple of kGranuleBytes, at most kRegionBytes; aligned to a granule. First
  // fit by address, so that the last regions run empty. Throws std::bad_alloc.
  [[nodiscard]] std::byte* acquire(std::size_t bytes);
  // False, and nothing happens, if it is not memory of this heap. A region without pieces goes
  // back to the system, but for one that is kept.
  bool release(std::byte* piece, std::size_t bytes) noexcept;

  // Of all regions, free parts included.
  [[nodiscard]] std::size_t mapped_bytes() const noexcept { return regions_.size() * kRegionBytes; }
  [[nodiscard]] std::size_t used_bytes() const noexcept { return used_granules_ * kGranuleBytes; }

 private:
  static constexpr std::size_t kGranules = kRegionBytes / kGranuleBytes;
  static constexpr std::size_t kWords = kGranules / 64;

  // Which granules are taken. It lies outside its region, so that the region is pieces alone.
  struct Region {
    std::array<std::uint64_t, kWords> taken{};
    std::size_t free_granules = kGranules;
    // No run is longer; set when a search failed, forgotten when something comes back.
    std::size_t longest_run_max = kGranules;

    // The first run of so many free granules, or kGranules.
    [[nodiscard]] std::size_t find(std::size_t granules) const noexcept;
    void mark(std::size_t first, std::size_t granules, bool taken) noexcept;
  };

  [[nodiscard]] static std::byte* map_region();

  std::map<std::uintptr_t, Region> regions_;  // by address
  std::size_t used_granules_ = 0;
  std::size_t empty_regions_ = 0;
};

}  // namespace caveat
