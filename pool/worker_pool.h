// A few threads for work that splits into equal pieces: encoding blocks, verifying.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace caveat {

// Set from any thread; long operations look at it between steps.
class CancellationToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> cancelled_{false};
};

// Thread-safe; calls may run side by side and nest. Threads start at the first call that can use
// them and end with the pool; if the system gives fewer, work is slower and still done.
class WorkerPool {
 public:
  static constexpr std::size_t kThreadsMax = 4;

  // The hardware's threads, at most kThreadsMax, at least 1.
  [[nodiscard]] static std::size_t default_threads() noexcept;

  // `threads` counts the caller of parallel_for, who takes part: 1 starts none.
  explicit WorkerPool(std::size_t threads = default_threads()) noexcept;
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls fn(i) once for every i below `count`, in any order, and returns when all have returned.
  // False if the token stopped it: then some i were left out, and none is running. If fn throws
  // (std::bad_alloc; nothing else is expected), the rest is left out and the caller gets the
  // first exception.
  template <class Fn>
  bool parallel_for(std::size_t count, Fn&& fn, const CancellationToken* token = nullptr) {
    using Plain = std::remove_reference_t<Fn>;
    return run(
        count, const_cast<void*>(static_cast<const void*>(&fn)),
        [](void* context, std::size_t i) { (*static_cast<Plain*>(context))(i); }, token);
  }

  [[nodiscard]] std::size_t threads() const noexcept { return threads_max_; }

 private:
  struct Job;
  bool run(std::size_t count, void* context, void (*call)(void*, std::size_t),
           const CancellationToken* token);
  void start_threads() noexcept;
  void work() noexcept;
  void take_part(Job& job) noexcept;

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wake_;  // a job was added, or the pool closes
  std::condition_variable done_;  // a worker left a job
  std::vector<std::thread> workers_;
  Job* jobs_ = nullptr;  // those that may still have pieces to take
  bool started_ = false;
  bool closing_ = false;
};

}  // namespace caveat
