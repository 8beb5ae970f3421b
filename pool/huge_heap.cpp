#include "pool/huge_heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "pool/invariant.h"

namespace caveat {

HugeHeap::~HugeHeap() {
  CAVEAT_ASSERT(used_granules_ == 0);
  for (const auto& [address, region] : regions_) {
    munmap(reinterpret_cast<void*>(address), kRegionBytes);
  }
}

std::byte* HugeHeap::acquire(std::size_t bytes) {
  CAVEAT_ASSERT(bytes != 0 && bytes % kGranuleBytes == 0 && bytes <= kRegionBytes);
  const std::size_t granules = bytes / kGranuleBytes;
  auto found = regions_.begin();
  std::size_t first = kGranules;
  for (; found != regions_.end(); ++found) {
    Region& region = found->second;
    if (region.free_granules < granules || region.longest_run_max < granules) continue;
    first = region.find(granules);
    if (first != kGranules) break;
    region.longest_run_max = granules - 1;
  }
  if (found == regions_.end()) {
    std::byte* const memory = map_region();
    try {
      found = regions_.try_emplace(reinterpret_cast<std::uintptr_t>(memory)).first;
    } catch (...) {
      munmap(memory, kRegionBytes);
      throw;
    }
    ++empty_regions_;
    first = 0;
  }
  Region& region = found->second;
  if (region.free_granules == kGranules) --empty_regions_;
  region.mark(first, granules, true);
  region.free_granules -= granules;
  used_granules_ += granules;
  return reinterpret_cast<std::byte*>(found->first) + first * kGranuleBytes;
}

bool HugeHeap::release(std::byte* piece, std::size_t bytes) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(piece);
  const auto found = regions_.find(address / kRegionBytes * kRegionBytes);
  if (found == regions_.end()) return false;
  const std::size_t granules = bytes / kGranuleBytes;
  CAVEAT_ASSERT(bytes % kGranuleBytes == 0 && address % kGranuleBytes == 0);
  Region& region = found->second;
  region.mark(address % kRegionBytes / kGranuleBytes, granules, false);
  region.free_granules += granules;
  region.longest_run_max = kGranules;
  used_granules_ -= granules;
  if (region.free_granules < kGranules) return true;
  if (empty_regions_ > 0) {
    munmap(reinterpret_cast<void*>(found->first), kRegionBytes);
    regions_.erase(found);
  } else {
    ++empty_regions_;
  }
  return true;
}

// Maps twice as much, keeps the aligned middle.
std::byte* HugeHeap::map_region() {
  void* const mapped = mmap(nullptr, 2 * kRegionBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uintptr_t aligned = (begin + kRegionBytes - 1) / kRegionBytes * kRegionBytes;
  const std::size_t before = aligned - begin;
  const std::size_t behind = kRegionBytes - before;
  if (before != 0) munmap(mapped, before);
  if (behind != 0) munmap(reinterpret_cast<void*>(aligned + kRegionBytes), behind);
#ifdef MADV_HUGEPAGE
  madvise(reinterpret_cast<void*>(aligned), kRegionBytes, MADV_HUGEPAGE);  // or small pages
#endif
  return reinterpret_cast<std::byte*>(aligned);
}

std::size_t HugeHeap::Region::find(std::size_t granules) const noexcept {
  std::size_t run = 0;
  for (std::size_t word = 0; word < kWords; ++word) {
    const std::uint64_t bits = taken[word];
    if (bits == 0) {
      run += 64;
      if (run >= granules) return word * 64 + 64 - run;
      continue;
    }
    // Runs end and begin inside the word.
    for (unsigned at = 0; at < 64;) {
      const std::uint64_t rest = bits >> at;
      if ((rest & 1) != 0) {
        run = 0;
        at += static_cast<unsigned>(std::countr_one(rest));
        continue;
      }
      const unsigned free = rest == 0 ? 64 - at : static_cast<unsigned>(std::countr_zero(rest));
      run += free;
      at += free;
      if (run >= granules) return word * 64 + at - run;
    }
  }
  return kGranules;
}

void HugeHeap::Region::mark(std::size_t first, std::size_t granules,
                            [[maybe_unused]] bool take) noexcept {
  for (std::size_t at = first; at < first + granules;) {
    const std::size_t bit = at % 64;
    const std::size_t count = std::min<std::size_t>(64 - bit, first + granules - at);
    const std::uint64_t ones = count == 64 ? ~0ULL : ((std::uint64_t{1} << count) - 1) << bit;
    CAVEAT_ASSERT((taken[at / 64] & ones) == (take ? 0 : ones));
    taken[at / 64] ^= ones;
    at += count;
  }
}

}  // namespace caveat
