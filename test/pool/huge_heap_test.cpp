#include "pool/huge_heap.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "pool/chunk_pool.h"
#include "pool/lasting_memory.h"
#include "pool/mapped_memory.h"
#include "pool/poison.h"

using namespace caveat;

namespace {
constexpr std::size_t kRegion = HugeHeap::kRegionBytes;
constexpr std::size_t kGranule = HugeHeap::kGranuleBytes;
}  // namespace

TEST_CASE("huge heap: pieces never overlap, keep their bytes and fill the gaps") {
  std::mt19937_64 random(20'261'123);
  HugeHeap heap;
  struct Piece {
    std::size_t bytes;
    unsigned char fill;
  };
  std::map<std::byte*, Piece> pieces;
  std::size_t used = 0;
  const auto give_back = [&](std::map<std::byte*, Piece>::iterator piece) {
    const auto [at, what] = *piece;
    for (std::size_t i = 0; i < what.bytes; i += kGranule) {
      REQUIRE(std::to_integer<unsigned char>(at[i]) == what.fill);
      REQUIRE(std::to_integer<unsigned char>(at[i + kGranule - 1]) == what.fill);
    }
    REQUIRE(heap.release(at, what.bytes));
    used -= what.bytes;
    pieces.erase(piece);
  };
  for (int step = 0; step < 4000; ++step) {
    if (pieces.size() < 100 || random() % 2 == 0) {
      const std::size_t most = random() % 50 == 0 ? kRegion : std::size_t{64} << 10;
      const std::size_t bytes = (1 + random() % (most / kGranule)) * kGranule;
      std::byte* const at = heap.acquire(bytes);
      REQUIRE(reinterpret_cast<std::uintptr_t>(at) % kGranule == 0);
      const auto behind = pieces.upper_bound(at);
      REQUIRE((behind == pieces.end() || at + bytes <= behind->first));
      if (behind != pieces.begin()) {
        const auto before = std::prev(behind);
        REQUIRE(before->first + before->second.bytes <= at);
      }
      const auto fill = static_cast<unsigned char>(random());
      std::memset(at, fill, bytes);
      pieces[at] = {bytes, fill};
      used += bytes;
    } else {
      give_back(std::next(pieces.begin(), static_cast<std::ptrdiff_t>(random() % pieces.size())));
    }
    REQUIRE(heap.used_bytes() == used);
    REQUIRE(heap.mapped_bytes() >= used);
  }
  while (!pieces.empty()) give_back(pieces.begin());
  CHECK(heap.used_bytes() == 0);
  CHECK(heap.mapped_bytes() <= kRegion);  // one region is kept
}

TEST_CASE("huge heap: a region is used to its last granule, a run across words included") {
  HugeHeap heap;
  std::vector<std::byte*> pieces;
  for (std::size_t i = 0; i < kRegion / kGranule; ++i) pieces.push_back(heap.acquire(kGranule));
  CHECK(heap.mapped_bytes() == kRegion);
  // 100 granules in the middle of two words, and nothing else.
  for (std::size_t i = 90; i < 190; ++i) REQUIRE(heap.release(pieces[i], kGranule));
  std::byte* const run = heap.acquire(100 * kGranule);
  CHECK(run == pieces[90]);
  CHECK(heap.mapped_bytes() == kRegion);
  std::byte* const more = heap.acquire(kGranule);
  CHECK(heap.mapped_bytes() == 2 * kRegion);
  REQUIRE(heap.release(run, 100 * kGranule));
  REQUIRE(heap.release(more, kGranule));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i < 90 || i >= 190) REQUIRE(heap.release(pieces[i], kGranule));
  }
}

TEST_CASE("lasting memory: pieces of any size and alignment keep their bytes") {
  struct alignas(2 * kGranule) Wide {
    std::byte bytes[2 * kGranule];
  };
  std::vector<LastingVector<std::uint64_t>> pieces;
  for (const std::size_t bytes :
       {std::size_t{64}, kGranule, kGranule + 8, kRegion / 2, kRegion, kRegion + 8, 3 * kRegion}) {
    LastingVector<std::uint64_t> piece(bytes / sizeof(std::uint64_t));
    for (auto& word : piece) word = bytes;
    pieces.push_back(std::move(piece));
  }
  LastingVector<Wide> wide(3);
  CHECK(reinterpret_cast<std::uintptr_t>(wide.data()) % alignof(Wide) == 0);
  std::memset(wide.data(), 7, 3 * sizeof(Wide));
  for (const auto& piece : pieces) {
    const std::uint64_t bytes = piece.size() * sizeof(std::uint64_t);
    REQUIRE(std::all_of(piece.begin(), piece.end(), [&](auto word) { return word == bytes; }));
  }
  CHECK_THROWS_AS(LastingAllocator<std::uint64_t>().allocate(std::size_t{1} << 62), std::bad_alloc);
}

TEST_CASE("mapped memory: pieces of any size keep their bytes, and large ones are whole pages") {
  constexpr std::size_t kMapped = MappedAllocator<std::uint64_t>::kMappedMin;
  MappedVector<std::uint64_t> grown;  // from malloc's into a mapping into larger ones
  for (std::uint64_t i = 0; i < 3 * kRegion / sizeof(i); ++i) grown.push_back(i * i);
  for (std::uint64_t i = 0; i < grown.size(); ++i) REQUIRE(grown[i] == i * i);
  for (const std::size_t bytes : {kMapped, kMapped + 8, kRegion, kRegion + 8, 3 * kRegion}) {
    MappedVector<std::uint64_t> piece(bytes / sizeof(std::uint64_t), bytes);
    REQUIRE(std::all_of(piece.begin(), piece.end(), [&](auto word) { return word == bytes; }));
    if (!MappedAllocator<std::uint64_t>::kMaps) continue;
    const auto address = reinterpret_cast<std::uintptr_t>(piece.data());
    CHECK(address % (bytes < kRegion ? 4096 : kRegion) == 0);
  }
  CHECK_THROWS_AS(MappedAllocator<std::uint64_t>().allocate(std::size_t{1} << 62), std::bad_alloc);
  if (MappedAllocator<std::byte>::kMaps) {
    CHECK_THROWS_AS(MappedAllocator<std::byte>().allocate(std::size_t{1} << 50), std::bad_alloc);
  }
}

TEST_CASE("huge heap: memory of others is left alone") {
  HugeHeap heap;
  std::vector<std::byte> other(kGranule);
  CHECK_FALSE(heap.release(other.data(), kGranule));
  CHECK(heap.used_bytes() == 0);
}

TEST_CASE("chunk pool: what is larger than a huge page goes to the system and back") {
  ChunkPool pool(kRegion);
  ChunkPool small(kRegion / 2);  // has none
  for (ChunkPool* const one : {&pool, &small}) {
    std::vector<Chunk> chunks;
    for (const std::size_t bytes :
         {kRegion, kRegion + 1, 2 * kRegion, 2 * kRegion + 1, 9 * kRegion + 5}) {
      chunks.push_back(one->acquire(bytes));
      REQUIRE(chunks.back().size >= bytes);
      std::memset(chunks.back().data, static_cast<int>(chunks.size()), chunks.back().size);
    }
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      CHECK(std::to_integer<std::size_t>(chunks[i].data[0]) == i + 1);
      CHECK(std::to_integer<std::size_t>(chunks[i].data[chunks[i].size - 1]) == i + 1);
      one->release(chunks[i]);
    }
    one->trim();
    CHECK(one->statistics().bytes_in_use == 0);
    CHECK(one->statistics().bytes_reserved <= kRegion);
  }
}

// A few chunks that were kept of a cache of many kept a huge page each.
TEST_CASE("chunk pool: what it keeps does not hold many huge pages", "[regression]") {
  if (detail::kPoison) return;
  constexpr std::size_t kKept = 2 * kRegion;
  ChunkPool pool(kKept);
  std::vector<Chunk> chunks;
  for (int i = 0; i < 4000; ++i) chunks.push_back(pool.acquire(20'000));  // 40 regions
  // In an order in which each region has some of the first that come back, and they are kept.
  for (std::size_t step = 0; step < 10; ++step) {
    for (std::size_t i = step; i < chunks.size(); i += 10) pool.release(chunks[i]);
  }
  CHECK(pool.statistics().bytes_in_use == 0);
  CHECK(pool.statistics().bytes_reserved <= 2 * kKept + kRegion);
}

TEST_CASE("chunk pool: a large pool lives in huge pages and gives them back") {
  if (detail::kPoison) return;  // there each chunk is guarded by itself
  ChunkPool pool(kRegion);
  std::vector<Chunk> chunks;
  for (int i = 0; i < 1000; ++i) chunks.push_back(pool.acquire(20'000));
  const auto full = pool.statistics();
  CHECK(full.bytes_in_use == 1000 * ChunkPool::chunk_bytes(20'000));
  CHECK(full.bytes_reserved >= full.bytes_in_use);
  CHECK(full.bytes_reserved < full.bytes_in_use + 2 * kRegion);
  for (const Chunk& chunk : chunks) pool.release(chunk);
  CHECK(pool.statistics().bytes_in_use == 0);
  pool.trim();
  CHECK(pool.statistics().bytes_reserved <= kRegion);
}
