#include "pool/worker_pool.h"

#include <algorithm>
#include <system_error>

#include "pool/invariant.h"

namespace caveat {

// On the stack of the caller, who waits until no worker is left in it.
struct WorkerPool::Job {
  Job(std::size_t pieces, void* with, void (*fn)(void*, std::size_t), const CancellationToken* by)
      : count(pieces), context(with), call(fn), token(by) {}

  const std::size_t count;
  void* const context;
  void (*const call)(void*, std::size_t);
  const CancellationToken* const token;
  std::atomic<std::size_t> next{0};      // the first piece nobody took
  std::atomic<std::size_t> finished{0};  // pieces that returned
  std::atomic<bool> stop{false};
  // Guarded by the pool's mutex.
  std::exception_ptr error;
  std::size_t workers = 0;
  Job* next_job = nullptr;

  [[nodiscard]] bool has_pieces() const noexcept {
    return next.load(std::memory_order_relaxed) < count && !stop.load(std::memory_order_relaxed) &&
           !(token != nullptr && token->is_cancelled());
  }
};

std::size_t WorkerPool::default_threads() noexcept {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax);
}

WorkerPool::WorkerPool(std::size_t threads) noexcept
    : threads_max_(std::max<std::size_t>(threads, 1)) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    CAVEAT_ASSERT(jobs_ == nullptr);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::start_threads() noexcept {
  started_ = true;
  try {
    workers_.reserve(threads_max_ - 1);
    while (workers_.size() < threads_max_ - 1) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // no more threads: those that started will do
  } catch (const std::bad_alloc&) {
  }
}

void WorkerPool::take_part(Job& job) noexcept {
  try {
    while (!job.stop.load(std::memory_order_relaxed)) {
      if (job.token != nullptr && job.token->is_cancelled()) return;
      const std::size_t i = job.next.fetch_add(1, std::memory_order_relaxed);
      if (i >= job.count) return;
      job.call(job.context, i);
      job.finished.fetch_add(1, std::memory_order_relaxed);
    }
  } catch (...) {
    job.stop.store(true, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    if (job.error == nullptr) job.error = std::current_exception();
  }
}

bool WorkerPool::run(std::size_t count, void* context, void (*call)(void*, std::size_t),
                     const CancellationToken* token) {
  Job job(count, context, call, token);
  const bool shared = count > 1 && threads_max_ > 1;
  if (shared) {
    {
      const std::lock_guard lock(mutex_);
      if (!started_) start_threads();
      job.next_job = jobs_;
      jobs_ = &job;
    }
    wake_.notify_all();
  }
  take_part(job);
  if (shared) {
    std::unique_lock lock(mutex_);
    Job** at = &jobs_;
    while (*at != &job) at = &(*at)->next_job;
    *at = job.next_job;
    done_.wait(lock, [&] { return job.workers == 0; });
  }
  if (job.error != nullptr) std::rethrow_exception(job.error);
  return job.finished.load(std::memory_order_relaxed) == count;
}

void WorkerPool::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    Job* job = jobs_;
    while (job != nullptr && !job->has_pieces()) job = job->next_job;
    if (job == nullptr) {
      if (closing_) return;
      wake_.wait(lock);
      continue;
    }
    ++job->workers;
    lock.unlock();
    take_part(*job);
    lock.lock();
    // The last touch of the job: its caller may leave as soon as the mutex is free.
    if (--job->workers == 0) done_.notify_all();
  }
}

}  // namespace caveat
