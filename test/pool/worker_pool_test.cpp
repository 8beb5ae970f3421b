#include "pool/worker_pool.h"

#include <catch2/catch.hpp>
#include <new>
#include <set>
#include <thread>
#include <vector>

using caveat::CancellationToken;
using caveat::WorkerPool;

TEST_CASE("worker pool: every piece runs once, and what it wrote is seen", "[threads]") {
  WorkerPool pool(4);
  for (const std::size_t count : {0, 1, 2, 3, 100, 5000}) {
    std::vector<int> runs(count);
    CHECK(pool.parallel_for(count, [&](std::size_t i) { ++runs[i]; }));
    CHECK(runs == std::vector<int>(count, 1));
  }
}

TEST_CASE("worker pool: pieces wait for each other only if several threads run them", "[threads]") {
  for (const int threads : {2, 4}) {
    WorkerPool pool(static_cast<std::size_t>(threads));
    std::atomic<int> inside{0};
    // Each piece waits until all others are running, too: the caller alone would hang here.
    CHECK(pool.parallel_for(static_cast<std::size_t>(threads), [&](std::size_t) {
      inside.fetch_add(1);
      while (inside.load() < threads) std::this_thread::yield();
    }));
  }
}

TEST_CASE("worker pool: one thread is the caller itself", "[threads]") {
  WorkerPool pool(1);
  const auto self = std::this_thread::get_id();
  bool same = true;
  CHECK(pool.parallel_for(10, [&](std::size_t) { same &= std::this_thread::get_id() == self; }));
  CHECK(same);
  CHECK(WorkerPool::default_threads() >= 1);
  CHECK(WorkerPool::default_threads() <= WorkerPool::kThreadsMax);
}

TEST_CASE("worker pool: running out of memory reaches the caller, and the pool goes on",
          "[threads]") {
  WorkerPool pool(3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> started{0};
    CHECK_THROWS_AS(pool.parallel_for(1000,
                                      [&](std::size_t i) {
                                        started.fetch_add(1);
                                        if (i == 5) throw std::bad_alloc();
                                      }),
                    std::bad_alloc);
    CHECK(started.load() <= 1000);
    std::atomic<int> ran{0};
    CHECK(pool.parallel_for(10, [&](std::size_t) { ran.fetch_add(1); }));
    CHECK(ran.load() == 10);
  }
}

TEST_CASE("worker pool: of several pieces that fail the caller gets one", "[threads]") {
  WorkerPool pool(2);
  std::atomic<int> inside{0};
  CHECK_THROWS_AS(pool.parallel_for(2,
                                    [&](std::size_t) {
                                      inside.fetch_add(1);
                                      while (inside.load() < 2) std::this_thread::yield();
                                      throw std::bad_alloc();
                                    }),
                  std::bad_alloc);
}

TEST_CASE("worker pool: a call that began first may end first", "[threads]") {
  WorkerPool pool(2);
  std::atomic<bool> first_began{false}, second_began{false}, first_ended{false};
  std::thread first([&] {
    static_cast<void>(pool.parallel_for(2, [&](std::size_t) {
      first_began = true;
      while (!second_began) std::this_thread::yield();
    }));
    first_ended = true;
  });
  while (!first_began) std::this_thread::yield();
  CHECK(pool.parallel_for(2, [&](std::size_t) {
    second_began = true;
    while (!first_ended) std::this_thread::yield();
  }));
  first.join();
}

TEST_CASE("worker pool: cancelling leaves pieces out and says so", "[threads]") {
  WorkerPool pool(3);
  CancellationToken token;
  std::atomic<std::size_t> ran{0};
  CHECK_FALSE(pool.parallel_for(
      100'000,
      [&](std::size_t i) {
        ran.fetch_add(1);
        if (i == 100) token.cancel();
      },
      &token));
  CHECK(ran.load() >= 101);
  CHECK(ran.load() < 100'000);
  CHECK_FALSE(pool.parallel_for(
      1, [](std::size_t) {}, &token));
  CHECK_FALSE(pool.parallel_for(
      8, [](std::size_t) { FAIL("what is cancelled already does not begin"); }, &token));
}

TEST_CASE("worker pool: calls nest and run side by side", "[threads]") {
  WorkerPool pool(4);
  std::atomic<int> leaves{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        static_cast<void>(pool.parallel_for(4, [&](std::size_t) {
          static_cast<void>(pool.parallel_for(5, [&](std::size_t) { leaves.fetch_add(1); }));
        }));
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(leaves.load() == 3 * 20 * 4 * 5);
}

TEST_CASE("worker pool: it ends at once, used or not", "[threads]") {
  for (int i = 0; i < 50; ++i) {
    WorkerPool unused(4);
    WorkerPool used(4);
    std::atomic<int> ran{0};
    CHECK(used.parallel_for(8, [&](std::size_t) { ran.fetch_add(1); }));
  }
}
