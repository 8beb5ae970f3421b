// What the parts of an engine share. The engine owns it; commits, reads and maintenance are
// written against it, and none of them knows the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "caveat/index_manager.h"
#include "caveat/memory_pool.h"
#include "caveat/options.h"
#include "engine/cache/block_cache.h"
#include "engine/cache/index_cache.h"
#include "engine/cache/record_cache.h"
#include "engine/catalogue/catalogue.h"
#include "engine/partition/partition_image.h"
#include "engine/query/candidate_cache.h"
#include "engine/query/query_engine.h"
#include "engine/store/dictionary_set.h"
#include "engine/store/event_log.h"
#include "engine/store/partition_ids.h"
#include "engine/store/superblock.h"
#include "engine/store/version_set.h"
#include "engine/store/write_pacer.h"
#include "engine/tuning/tuning_in_force.h"
#include "pool/heap_spare.h"
#include "pool/worker_pool.h"

namespace caveat {

class EncryptedBackend;

// What every call gives once the store has no version any more.
[[nodiscard]] inline tl::unexpected<StorageError> closed_error() {
  return fail(ErrorCode::closed, "the store is closed");
}

// Of what is stored in one place, as it is read: what is stored elsewhere can be worked on.
[[nodiscard]] constexpr bool is_damage(ErrorCode code) noexcept {
  return code == ErrorCode::corruption || code == ErrorCode::codec_missing ||
         code == ErrorCode::unsupported_format;
}

// How Options::memory_budget_bytes is shared out; bytes.
struct MemoryPlan {
  std::size_t delta = 0;            // recent writes, in generations of a third of it
  std::size_t block_cache = 0;      // partitions, decoded or with keys alone
  std::size_t record_cache = 0;     // hot records
  std::size_t index_cache = 0;      // decoded posting containers
  std::size_t candidate_cache = 0;  // where terms lead
  std::size_t filters = 0;          // key filters, before they take from the block cache
  std::size_t filters_max = 0;      // partitions beyond it have none in memory
  std::size_t backend_cache = 0;
  std::size_t backend_buffers = 0;

  std::size_t window_rows = 0;   // of partitions that a step of maintenance works on at a time
  std::size_t commit_bytes = 0;  // of partitions that are committed together
  std::size_t sample_bytes = 0;  // that a dictionary is trained on
  std::size_t fold_bytes = 0;    // that a fold takes beside what it folds

  static MemoryPlan of(const Options& options) noexcept;
};

// Counted where things happen, read by statistics. Relaxed.
struct EngineCounters {
  // Of every point read: too frequent for shared counters.
  enum Read : std::size_t { kReads, kReadMisses, kFilterNegatives, kReadCounters };
  detail::ThreadCounters<kReadCounters> read;
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> sampled_calls{0};
  std::atomic<std::uint64_t> sampled_ns{0};
  std::atomic<std::uint64_t> folds{0};
  std::atomic<std::uint64_t> rewrites{0};
  std::atomic<std::uint64_t> splits{0};
  std::atomic<std::uint64_t> joins{0};
  std::atomic<std::uint64_t> hints_removed{0};
  std::atomic<std::uint64_t> background_errors{0};
  std::atomic<std::uint64_t> write_stalls{0};
  std::atomic<std::int64_t> write_stall_ns{0};
  std::atomic<std::int64_t> write_stall_since_ns{0};  // one that goes on; 0: none
};

// An error that struck where nobody was listening: told to the host, and where writes cannot go on
// for long with it (a fold found no room), once to the next write.
class BackgroundErrors {
 public:
  BackgroundErrors(std::function<void(const StorageError&)> listener, const EventLog& log)
      : listener_(std::move(listener)), log_(log) {}
  void report(const StorageError& error, EngineCounters& counters) noexcept;
  void report_out_of_memory(EngineCounters& counters) noexcept;
  // Told to the host only: no write has to fail for it.
  void notify(const StorageError& error, EngineCounters& counters) noexcept;
  // Called after each report: writers may be waiting for what has just failed. Before any report.
  void set_waker(std::function<void()> waker) { waker_ = std::move(waker); }
  // The oldest not yet returned; writes ask before they begin.
  [[nodiscard]] std::optional<StorageError> take();
  [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_acquire); }

 private:
  void tell(const StorageError& error, EngineCounters& counters) noexcept;

  std::function<void(const StorageError&)> listener_;
  const EventLog& log_;
  std::function<void()> waker_;
  std::mutex mutex_;
  std::optional<StorageError> pending_;
  std::atomic<bool> any_{false};
};

struct Core {
  Core(std::unique_ptr<KvBackend> the_backend, Options the_options);

  const Options options;
  const MemoryPlan memory;
  const Clock& clock;
  const EventLog log;
  const std::unique_ptr<KvBackend> backend;
  // The same where the store is encrypted, else null. Constant once the engine is made.
  EncryptedBackend* encrypted = nullptr;

  // Shared with decoded blocks: a record that a host holds on to may outlive the engine.
  const std::shared_ptr<MemoryPool> shared_pool;
  MemoryPool& pool = *shared_pool;
  WorkerPool workers;
  HeapSpare heap_spare;
  TuningInForce tuning;
  CodecRegistry codecs;  // for reading: at any level
  DictionarySet dictionaries;
  Catalogue catalogue;
  PartitionIds partition_ids;
  // The mutator's; others read what they need through versions.
  Superblock superblock;
  PartitionId next_partition_id = 1;
  // The superblock's, for those who may need one that an older store has not: Mutator::raise.
  std::atomic<std::uint64_t> features{0};
  IndexCache index_cache;
  CandidateCache candidate_cache;
  std::unique_ptr<IndexManager> indexes;

  BlockCache<PartitionImage> block_cache;
  RecordCache record_cache;

  // Of key filters and the directory, as the last fold left them.
  std::atomic<std::size_t> directory_bytes{0};

  EngineCounters counters;
  WritePacer pacer;
  QueryCounters query_counters;
  BackgroundErrors background_errors;

  // Set by recovery, constant from then on. Why every write is refused: a part of the partitions
  // is missing, and without them what is new cannot be told from what is lost.
  std::optional<StorageError> read_only;
  // Stretches of which recovery could not read the partitions, by their first key.
  std::map<ExceptionKey, StorageError> lost_stretches;
  // That a partition's container is not there, or the error for which it was not found.
  [[nodiscard]] StorageError missing_container(const ExceptionKey& lower) const;

  // Last: versions refer to the backend's snapshots and must go first.
  VersionSet versions;

  // For containers: changes whenever one does. Of this process.
  [[nodiscard]] std::uint64_t new_partition_version() noexcept {
    return next_partition_version_.fetch_add(1, std::memory_order_relaxed);
  }
  // Bytes that sealed generations may have before writers wait for a fold: two thirds of the
  // delta's share, and what caches and filters do not use of theirs beyond what a fold takes to
  // work. Each fold rewrites most partitions that it touches, so that a load into an idle store
  // folds as seldom as memory allows.
  [[nodiscard]] std::size_t sealed_bytes_max() const noexcept;
  [[nodiscard]] Durability durability_of(const WriteOptions& options) const noexcept;

 private:
  std::atomic<std::uint64_t> next_partition_version_{1};
};

}  // namespace caveat
