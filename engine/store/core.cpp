#include "engine/store/core.h"

#include <algorithm>
#include <new>

#include "engine/partition/container.h"

namespace caveat {

MemoryPlan MemoryPlan::of(const Options& options) noexcept {
  const std::size_t budget = options.memory_budget_bytes;
  MemoryPlan plan;
  plan.delta = options.delta_bytes != 0 ? options.delta_bytes : budget / 4;
  const std::size_t cache = options.cache_bytes != 0 ? options.cache_bytes : budget / 4;
  plan.record_cache = cache / 8;
  plan.index_cache = cache / 16;
  plan.candidate_cache = cache / 32;
  plan.block_cache = cache - plan.record_cache - plan.index_cache - plan.candidate_cache;
  plan.filters = budget / 8;
  plan.filters_max = plan.filters + plan.block_cache / 4 * 3;
  plan.backend_cache = budget / 16;
  plan.backend_buffers = std::max<std::size_t>(budget / 8, std::size_t{2} << 20);
  // A row of a window costs some half a KiB while it is merged and encoded, and training ten times
  // the samples. docs/decisions/0077.
  plan.window_rows = std::clamp<std::size_t>(budget / 4096, 4096, std::size_t{1} << 16);
  plan.fold_bytes = std::min(plan.window_rows * 512, budget / 8);
  // Their hints take some five times as much while they are sorted.
  plan.commit_bytes =
      std::clamp<std::size_t>(budget / 128, std::size_t{128} << 10, std::size_t{4} << 20);
  plan.sample_bytes = std::min(budget / 20, std::size_t{12} << 20);
  return plan;
}

void BackgroundErrors::report(const StorageError& error, EngineCounters& counters) noexcept {
  // First the host, then whoever writes: a write that fails for it finds it in the log.
  tell(error, counters);
  log_.send(Severity::error, "store", "background_error", error);
  try {
    const std::lock_guard lock(mutex_);
    if (!pending_) pending_ = error;
    any_.store(true, std::memory_order_release);
  } catch (const std::bad_alloc&) {  // who waits is woken all the same
  }
  if (waker_) waker_();
}

void BackgroundErrors::report_out_of_memory(EngineCounters& counters) noexcept {
  try {
    report({ErrorCode::limit_exceeded, "maintenance: out of memory"}, counters);
  } catch (const std::bad_alloc&) {  // not even for saying so
    counters.background_errors.fetch_add(1, std::memory_order_relaxed);
    if (waker_) waker_();
  }
}

void BackgroundErrors::notify(const StorageError& error, EngineCounters& counters) noexcept {
  tell(error, counters);
  log_.send(Severity::warning, "store", "damage", error);
}

void BackgroundErrors::tell(const StorageError& error, EngineCounters& counters) noexcept {
  counters.background_errors.fetch_add(1, std::memory_order_relaxed);
  try {
    if (listener_) listener_(error);
  } catch (const std::bad_alloc&) {  // the host's; it has the counter
  }
}

std::optional<StorageError> BackgroundErrors::take() {
  if (!any_.load(std::memory_order_acquire)) [[likely]]
    return std::nullopt;
  const std::lock_guard lock(mutex_);
  any_.store(false, std::memory_order_release);
  return std::exchange(pending_, std::nullopt);
}

Core::Core(std::unique_ptr<KvBackend> the_backend, Options the_options)
    : options(std::move(the_options)),
      memory(MemoryPlan::of(options)),
      clock(options.clock != nullptr ? *options.clock : system_clock()),
      log(options.log_sink),
      backend(std::move(the_backend)),
      shared_pool(std::make_shared<MemoryPool>(
          std::min<std::size_t>(options.memory_budget_bytes / 16, std::size_t{16} << 20))),
      heap_spare(options.memory_budget_bytes / 8),
      tuning(options),
      codecs(codecs_at(options, tuning.now()->layout.level)),
      dictionaries(codecs, shared_pool),
      index_cache(memory.index_cache),
      candidate_cache(memory.candidate_cache),
      block_cache(memory.block_cache),
      record_cache(memory.record_cache),
      background_errors(options.on_background_error, log),
      versions(clock) {}

std::size_t Core::sealed_bytes_max() const noexcept {
  const std::size_t shares = memory.block_cache + memory.record_cache + memory.filters;
  // A fold makes most of the directory anew beside the old one.
  const std::size_t directory = 2 * directory_bytes.load(std::memory_order_relaxed);
  const std::size_t used =
      block_cache.bytes() + record_cache.bytes() + directory + memory.fold_bytes;
  return memory.delta / 3 * 2 + (shares - std::min(shares, used));
}

StorageError Core::missing_container(const ExceptionKey& lower) const {
  const std::string where = "primary " + describe_key(lower);
  const auto lost = lost_stretches.find(lower);
  if (lost != lost_stretches.end()) return lost->second.within(where);
  return {ErrorCode::corruption, where + ": the container is missing"};
}

Durability Core::durability_of(const WriteOptions& write) const noexcept {
  switch (write.durability) {
    case WriteOptions::Level::none:
      return Durability::none;
    case WriteOptions::Level::wal:
      return Durability::wal;
    case WriteOptions::Level::fsync:
      return Durability::fsync;
    case WriteOptions::Level::store_default:
      break;
  }
  return options.durability;
}

}  // namespace caveat
