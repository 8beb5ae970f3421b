#include "engine/cache/thread_counters.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace caveat;

TEST_CASE("thread counters: nothing is lost, with more threads than there are lines", "[threads]") {
  constexpr std::size_t kThreads = 100;
  constexpr std::uint64_t kRounds = 2000;
  detail::ThreadCounters<2> counters;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < kRounds; ++i) {
        counters.add(0);
        counters.add(1, 3);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(counters.sum(0) == kThreads * kRounds);
  CHECK(counters.sum(1) == kThreads * kRounds * 3);
}
