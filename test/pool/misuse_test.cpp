// Programming errors that builds with invariants must catch: giving the same thing back twice.
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>

#include "pool/buffer_pool.h"
#include "pool/chunk_pool.h"
#include "pool/object_pool.h"
#include "pool/poison.h"

using namespace caveat;

namespace {

// True if `fn` ends its process by an assertion.
template <class Fn>
bool aborts(Fn&& fn) {
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // not Catch's report
    if (!std::freopen("/dev/null", "w", stderr)) _exit(0);
    fn();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

}  // namespace

TEST_CASE("misuse: a lease that ends twice is caught") {
  if (!detail::kPoison) return;
  BufferPool buffers(1 << 20);
  CHECK(aborts([&] {
    auto lease = buffers.acquire(100);
    lease.release();
    lease.release();
  }));
  ObjectPool<std::string> objects(1 << 20);
  CHECK(aborts([&] {
    auto lease = objects.acquire();
    lease.release();
    lease.release();
  }));
  CHECK_FALSE(aborts([&] { buffers.acquire(100).release(); }));
}

TEST_CASE("misuse: a chunk that is given back twice is caught") {
  if (!detail::kPoison) return;
  ChunkPool pool(1 << 20);
  CHECK(aborts([&] {
    const Chunk other = pool.acquire(5000);
    const Chunk chunk = pool.acquire(5000);
    pool.release(chunk);
    pool.release(chunk);
    pool.release(other);
  }));
  CHECK_FALSE(aborts([&] {
    const Chunk chunk = pool.acquire(5000);
    pool.release(chunk);
    pool.release(pool.acquire(5000));
  }));
}

TEST_CASE("misuse: a pool that ends before its chunks came back is caught") {
  if (!detail::kPoison) return;
  CHECK(aborts([] {
    ChunkPool pool(1 << 20);
    static_cast<void>(pool.acquire(1));
  }));
}
