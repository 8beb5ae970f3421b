#include "pool/arena.h"
#include "test/support/seed.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using caveat::Arena;
using caveat::Chunk;
using caveat::ChunkPool;

TEST_CASE("arena: pieces are aligned, apart and keep their contents") {
  const auto seed = caveat::test::chosen_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  ChunkPool pool(1 << 22);
  Arena arena(pool, 4096, 1 << 16);
  struct Piece {
    char* data;
    std::size_t size;
    char fill;
  };
  std::vector<Piece> pieces;
  std::size_t total = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = random() % 50 == 0 ? random() % 200'000 : random() % 300;
    const std::size_t alignment = std::size_t{1} << (random() % 8);
    auto* data = static_cast<char*>(arena.allocate(size, alignment));
    REQUIRE(data != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(data) % alignment == 0);
    const char fill = static_cast<char>(random());
    std::memset(data, fill, size);
    pieces.push_back({data, size, fill});
    total += size;
  }
  for (const Piece& piece : pieces) {
    REQUIRE(std::string_view(piece.data, piece.size) == std::string(piece.size, piece.fill));
  }
  CHECK(arena.bytes_reserved() >= total);
  CHECK(arena.bytes_reserved() < total * 2 + (1 << 16));
  CHECK(pool.statistics().bytes_in_use == arena.bytes_reserved());
  arena.reset();
  CHECK(arena.bytes_reserved() == 0);
  CHECK(pool.statistics().bytes_in_use == 0);
}

TEST_CASE("arena: a generation reuses the chunks of the one before it") {
  ChunkPool pool(16 << 20);
  std::uint64_t misses_of_first = 0;
  for (int generation = 0; generation < 5; ++generation) {
    Arena arena(pool);
    for (int row = 0; row < 20'000; ++row)
      static_cast<void>(arena.copy("a row of some 32 bytes of text"));
    if (generation == 0) misses_of_first = pool.statistics().pool_misses;
  }
  const auto statistics = pool.statistics();
  CHECK(statistics.pool_misses == misses_of_first);
  CHECK(statistics.pool_hits == 4 * misses_of_first);
  CHECK(statistics.memory_reused_bytes > 4 * 20'000 * 30);
  // Each row would have been one allocation.
  CHECK(statistics.allocations_avoided == 5 * 20'000 - misses_of_first);
  CHECK(statistics.bytes_reserved == pool.kept_bytes());
}

TEST_CASE("arena: serves the standard containers") {
  ChunkPool pool(1 << 20);
  Arena arena(pool);
  std::pmr::vector<std::pmr::string> names(&arena);
  for (int i = 0; i < 1000; ++i)
    names.emplace_back("a name too long for the small string " + std::to_string(i));
  CHECK(names[999].ends_with("999"));
  CHECK(names[0].get_allocator().resource() == &arena);
}

TEST_CASE("arena: objects and arrays are made in place") {
  ChunkPool pool(1 << 20);
  Arena arena(pool);
  struct Row {
    std::uint64_t a;
    char b;
  };
  const Row* row = arena.make<Row>(7U, 'x');
  CHECK((row->a == 7 && row->b == 'x'));
  const auto* numbers = arena.make_array<std::uint64_t>(100);
  for (int i = 0; i < 100; ++i) CHECK(numbers[i] == 0);
  CHECK(arena.allocate(0) != nullptr);
  CHECK(arena.copy("").empty());
  CHECK(arena.copy("text") == "text");
  CHECK_THROWS_AS(arena.make_array<std::uint64_t>(SIZE_MAX / 4), std::bad_alloc);
  CHECK_THROWS_AS(arena.allocate(SIZE_MAX - 8), std::bad_alloc);
  CHECK_THROWS_AS(arena.allocate(8, SIZE_MAX / 2 + 1), std::bad_alloc);
}

TEST_CASE("chunk pool: keeps no more than it may") {
  ChunkPool pool(100'000);
  std::vector<Chunk> chunks;
  for (int i = 0; i < 10; ++i) chunks.push_back(pool.acquire(20'000));
  CHECK(chunks[0].size == 20'480);
  for (const Chunk& chunk : chunks) pool.release(chunk);
  CHECK(pool.kept_bytes() == 4 * 20'480);
  CHECK(pool.statistics().bytes_reserved == 4 * 20'480);
  pool.trim(40'000);
  CHECK(pool.kept_bytes() == 20'480);
  pool.trim();
  CHECK(pool.kept_bytes() == 0);
  pool.release({});  // of an acquire that never was
  CHECK(pool.kept_bytes() == 0);
}

TEST_CASE("chunk pool: sizes go in eighths of a doubling, and a size stays in its class") {
  std::size_t before = 0;
  for (std::size_t bytes = 1; bytes <= ChunkPool::kChunkBytesMax; bytes += 1 + bytes / 97) {
    const std::size_t size = ChunkPool::chunk_bytes(bytes);
    REQUIRE(size >= bytes);
    REQUIRE(size >= before);
    if (bytes > ChunkPool::kChunkBytesMin) REQUIRE(size <= bytes + bytes / 8);
    REQUIRE(ChunkPool::chunk_bytes(size) == size);
    before = size;
  }
  ChunkPool pool(64 << 20);
  for (const std::size_t bytes : {5'000, 12'289, 20'000, 3'000'000}) {
    const Chunk chunk = pool.acquire(bytes);
    pool.release(chunk);
    const Chunk again = pool.acquire(chunk.size);
    CHECK(again.data == chunk.data);
    pool.release(again);
  }
}

TEST_CASE("chunk pool: what is larger than any class comes from the heap and returns to it") {
  ChunkPool pool(64 << 20);
  const Chunk chunk = pool.acquire((4 << 20) + 1);
  CHECK(chunk.size == (4 << 20) + 1);
  pool.release(chunk);
  CHECK(pool.kept_bytes() == 0);
  CHECK(pool.statistics().bytes_in_use == 0);
  CHECK(pool.statistics().pool_misses == 1);
}
