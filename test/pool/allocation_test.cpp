// Heap allocations before and after: what the pools claim, checked at operator new.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "pool/arena.h"
#include "pool/buffer_pool.h"
#include "pool/object_pool.h"
#include "test/support/counting_heap.h"

namespace {

template <class Fn>
std::uint64_t allocations_of(Fn&& fn) {
  const auto before = heap_allocations.load();
  fn();
  return heap_allocations.load() - before;
}

// What a block decoder does, without its sense: two scratch buffers and a list of views a block.
constexpr int kBlocks = 1000;

// A compiler may leave out memory that nobody sees.
const void* volatile escape = nullptr;

}  // namespace

TEST_CASE("pools save the heap allocations that they say they save") {
  const std::uint64_t without = allocations_of([] {
    for (int i = 0; i < kBlocks; ++i) {
      std::string section;
      section.reserve(4000);
      std::string strings;
      strings.reserve(8000);
      std::vector<std::string_view> views;
      views.reserve(256);
      escape = views.data();
    }
  });
  caveat::MemoryPool pool;
  auto& vectors = pool.vectors<std::string_view>();
  const std::uint64_t with = allocations_of([&] {
    for (int i = 0; i < kBlocks; ++i) {
      auto section = pool.strings().acquire(4000);
      auto strings = pool.strings().acquire(8000);
      auto views = vectors.acquire();
      views->reserve(256);
    }
  });
  CHECK(without == 3 * kBlocks);
  CHECK(with == 4);  // two buffers, a vector, its elements: once
  // Each vector on loan saves the vector object, too, which a local variable would not need.
  CHECK(pool.statistics().allocations_avoided == 4 * (kBlocks - 1));
  WARN("heap allocations a block: " << double(without) / kBlocks << " without pools, "
                                    << double(with) / kBlocks << " with");
}

TEST_CASE("an arena's rows need no heap once a generation has gone before") {
  caveat::MemoryPool pool;
  const auto generation = [&] {
    caveat::Arena arena(pool.chunks());
    for (int i = 0; i < 10'000; ++i)
      static_cast<void>(arena.copy("a row of some 32 bytes of text"));
  };
  const auto first = allocations_of(generation);
  const auto second = allocations_of(generation);
  CHECK(first < 20);
  CHECK(second == 0);
  CHECK(pool.statistics().allocations_avoided == 20'000 - first);
  WARN("heap allocations for 10,000 rows: 10000 without an arena, " << first << " in the first "
                                                                    << "generation, " << second
                                                                    << " in the next");
}
