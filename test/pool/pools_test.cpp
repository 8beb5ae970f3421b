#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "pool/buffer_pool.h"
#include "pool/chunk_pool.h"
#include "pool/object_pool.h"
#include "pool/poison.h"
#include "pool/spin_lock.h"

using namespace caveat;

TEST_CASE("buffer pool: a buffer comes back empty with its capacity") {
  BufferPool pool(1 << 20);
  const char* memory = nullptr;
  {
    auto lease = pool.acquire(1000);
    CHECK(lease->empty());
    CHECK(lease->capacity() >= 1000);
    lease->assign(900, 'x');
    memory = lease->data();
    CHECK(pool.statistics().bytes_in_use >= 1000);
  }
  auto lease = pool.acquire(500);
  CHECK(lease->data() == memory);
  CHECK(lease->empty());
  const auto statistics = pool.statistics();
  CHECK(statistics.pool_hits == 1);
  CHECK(statistics.pool_misses == 1);
  CHECK(statistics.memory_reused_bytes >= 1000);
  CHECK(statistics.allocations_avoided == 1);
}

TEST_CASE("buffer pool: the smallest buffer that suffices is lent") {
  BufferPool pool(1 << 20);
  {
    auto small = pool.acquire(100);
    auto large = pool.acquire(5000);
    auto middle = pool.acquire(1000);
  }
  CHECK(pool.acquire(50)->capacity() < 1000);
  CHECK(pool.acquire(101)->capacity() < 5000);
  CHECK(pool.acquire(1001)->capacity() >= 5000);
  CHECK(pool.statistics().pool_misses == 3);
  // A request larger than any grows the largest, not one more.
  { auto larger = pool.acquire(9000); }
  { auto again = pool.acquire(9000); }
  CHECK(pool.statistics().pool_misses == 4);
}

TEST_CASE("buffer pool: keeps no more than it may, and nothing after trim") {
  BufferPool pool(8 * 10'000);  // 10,000 a shard
  {
    std::vector<BufferPool::Lease> leases;
    for (int i = 0; i < 100; ++i) leases.push_back(pool.acquire(3000));
    leases.push_back(pool.acquire(50'000));
  }
  CHECK(pool.statistics().bytes_in_use == 0);
  CHECK(pool.statistics().bytes_reserved <= 10'000);
  CHECK(pool.statistics().bytes_reserved >= 9'000);
  pool.trim();
  CHECK(pool.statistics().bytes_reserved == 0);
}

TEST_CASE("buffer pool: with all its places taken it keeps the largest") {
  constexpr std::size_t kPlaces = 16;  // of a shard, and one thread has one
  BufferPool pool(8 << 20);
  {
    std::vector<BufferPool::Lease> leases;
    for (std::size_t i = 0; i < kPlaces + 1; ++i) leases.push_back(pool.acquire(2000 - 100 * i));
    // They come back from the largest to the smallest: for the last there is no place.
    for (auto& lease : leases) lease.release();
  }
  CHECK(pool.acquire(2000)->capacity() >= 2000);
  const auto full = pool.statistics().bytes_reserved;
  { auto larger = pool.acquire(9000); }  // takes the place of the smallest
  CHECK(pool.statistics().bytes_reserved > full);
  CHECK(pool.statistics().bytes_reserved < full + 9000);
  const auto misses = pool.statistics().pool_misses;
  { auto again = pool.acquire(9000); }
  CHECK(pool.statistics().pool_misses == misses);
  pool.trim();
  {
    std::vector<BufferPool::Lease> leases;
    for (const std::size_t size : {500, 300, 700, 300}) {
      for (std::size_t i = 0; i < kPlaces / 4; ++i) leases.push_back(pool.acquire(size + i));
    }
    auto largest = pool.acquire(5000);
    leases.clear();
    const auto before = pool.statistics().bytes_reserved - largest->capacity();
    largest.release();  // in the place of a smallest one
    CHECK(pool.statistics().bytes_reserved > before + 4000);
    CHECK(pool.statistics().bytes_reserved < before + 5000);
  }
  CHECK(pool.acquire(5000)->capacity() >= 5000);
}

TEST_CASE("buffer pool: leases move and end early") {
  BufferPool pool(1 << 20);
  auto lease = pool.acquire(100);
  lease->assign("text");
  BufferPool::Lease other = std::move(lease);
  CHECK(*other == "text");
  other.release();
  CHECK(pool.statistics().bytes_in_use == 0);
}

TEST_CASE("pools: a lease that another moves into gives its own back first") {
  MemoryPool pool;
  const auto check = [](auto& of, auto held, auto other) {
    const auto both = of.statistics().bytes_in_use;
    auto& same = held;
    held = std::move(same);  // is what it was
    CHECK(of.statistics().bytes_in_use == both);
    held = std::move(other);
    const auto one = of.statistics().bytes_in_use;
    CHECK(one < both);
    decltype(held) later;
    later = std::move(held);
    CHECK(of.statistics().bytes_in_use == one);
    later.release();
    CHECK(of.statistics().bytes_in_use == 0);
    later = decltype(held)();
  };
  auto& strings = pool.strings();
  check(strings, strings.acquire(100), strings.acquire(200));
  auto& vectors = pool.vectors<int>();
  check(vectors, vectors.acquire(), vectors.acquire());
}

TEST_CASE("object pool: what it has no place or no room for is freed") {
  ObjectPool<std::vector<int>> pool(8 * 4096);  // 4,096 bytes a shard
  { pool.acquire()->resize(2000); }
  CHECK(pool.statistics().bytes_reserved == 0);
  {
    std::vector<ObjectPool<std::vector<int>>::Lease> leases;
    for (int i = 0; i < 20; ++i) leases.push_back(pool.acquire());
  }
  CHECK(pool.statistics().bytes_reserved == 16 * sizeof(std::vector<int>));
  pool.trim();
  CHECK(pool.statistics().bytes_reserved == 0);
}

TEST_CASE("pools: a lease may end on another thread", "[threads]") {
  MemoryPool pool;
  auto buffer = pool.strings().acquire(100);
  auto numbers = pool.vectors<int>().acquire();
  std::thread([b = std::move(buffer), n = std::move(numbers)]() mutable {
    b.release();
    n.release();
  }).join();
  CHECK(pool.statistics().bytes_in_use == 0);
}

TEST_CASE("spin lock: who waits for long lets others run", "[threads]") {
  SpinLock lock;
  int value = 0;
  lock.lock();
  std::thread waiting([&] {
    lock.lock();
    CHECK(value == 1);
    lock.unlock();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  value = 1;
  lock.unlock();
  waiting.join();
}

TEST_CASE("buffer pool: what was given back is poisoned where invariants are on") {
  if (!detail::kPoison) return;
  BufferPool pool(1 << 20);
  const char* memory = nullptr;
  {
    auto lease = pool.acquire(100);
    lease->assign("secret");
    memory = lease->data();
  }
  auto lease = pool.acquire(100);
  REQUIRE(lease->data() == memory);
  lease->resize(1);  // writes one byte; the rest is as the pool left it
  CHECK(static_cast<unsigned char>(memory[3]) == detail::kPoisonByte);
}

TEST_CASE("object pool: a vector keeps its capacity and loses its contents") {
  MemoryPool pool;
  auto& vectors = pool.vectors<int>();
  CHECK(&vectors == &pool.objects<std::vector<int>>());
  {
    auto lease = vectors.acquire();
    lease->resize(1000, 5);
  }
  auto lease = vectors.acquire();
  CHECK(lease->empty());
  CHECK(lease->capacity() >= 1000);
  CHECK(pool.statistics().pool_hits == 1);
  CHECK(pool.statistics().allocations_avoided == 2);  // the vector and its elements
  CHECK(pool.statistics().memory_reused_bytes >= 4000);
}

namespace {
struct Scratch {
  std::string text;
};
}  // namespace
template <>
struct caveat::Recycle<Scratch> {
  static void reset(Scratch& scratch) noexcept { scratch.text.clear(); }
  static std::size_t bytes(const Scratch& scratch) noexcept {
    return sizeof(Scratch) + scratch.text.capacity();
  }
};

TEST_CASE("object pool: a type says itself how it is recycled") {
  MemoryPool pool;
  {
    auto lease = pool.objects<Scratch>().acquire();
    lease->text.assign(500, 'x');
  }
  auto lease = pool.objects<Scratch>().acquire();
  CHECK(lease->text.empty());
  CHECK(lease->text.capacity() >= 500);
}

TEST_CASE("memory pool: statistics are the sum of the parts, and trim empties them") {
  MemoryPool pool;
  pool.chunks().release(pool.chunks().acquire(1));
  pool.chunks().release(pool.chunks().acquire(1));
  { auto buffer = pool.strings().acquire(100); }
  { auto buffer = pool.strings().acquire(100); }
  { auto object = pool.objects<Scratch>().acquire(); }
  { auto object = pool.objects<Scratch>().acquire(); }
  const auto statistics = pool.statistics();
  CHECK(statistics.pool_hits == 3);
  CHECK(statistics.pool_misses == 3);
  CHECK(statistics.bytes_in_use == 0);
  CHECK(statistics.bytes_reserved >= 4096 + 100 + sizeof(Scratch));
  { auto other = pool.vectors<char>().acquire(); }  // each type has a pool of its own
  CHECK(pool.statistics().pool_misses == 4);
  pool.trim();
  CHECK(pool.statistics().bytes_reserved == 0);
}

TEST_CASE("memory pool: many threads use it at once", "[threads]") {
  MemoryPool pool(1 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 2000; ++i) {
        auto buffer = pool.strings().acquire(static_cast<std::size_t>(i % 700));
        buffer->assign(static_cast<std::size_t>(i % 900), static_cast<char>('a' + t));
        auto numbers = pool.vectors<int>().acquire();
        numbers->assign(50, t);
        const Chunk chunk = pool.chunks().acquire(static_cast<std::size_t>(i) * 10);
        chunk.data[0] = std::byte{1};
        pool.chunks().release(chunk);
        if (i % 500 == 0) pool.trim();
        if (buffer->find_first_not_of(static_cast<char>('a' + t)) != std::string::npos)
          std::abort();
        for (const int n : *numbers) {
          if (n != t) std::abort();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto statistics = pool.statistics();
  CHECK(statistics.bytes_in_use == 0);
  CHECK(statistics.pool_hits + statistics.pool_misses == 3 * 4 * 2000);
}
