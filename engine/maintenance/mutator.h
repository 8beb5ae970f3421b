// The mutator: everything that changes partitions, indexes, catalogue or directory, one at a time.
//
// Each call holds the mutator's lock for one bounded step or, where it reports progress, gives it
// up between steps. Errors leave the store as it was before the step.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "caveat/statistics.h"
#include "engine/delta/merge_generation.h"
#include "engine/maintenance/directory_marks.h"
#include "engine/maintenance/partition_commit.h"
#include "engine/maintenance/rewrite_queue.h"
#include "engine/maintenance/turns.h"
#include "engine/store/core.h"
#include "engine/store/features.h"
#include "engine/tuning/choose.h"

namespace caveat {

class Mutator {
 public:
  // `on_folded`: a generation less is waiting, it may be; called with the lock or without.
  Mutator(Core& core, RewriteQueue& queue, std::function<void()> on_folded);

  // No step runs while this is held. After the versions were cleared under it, steps give `closed`.
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  [[nodiscard]] DirectoryMarks& marks() noexcept { return marks_; }

  // --- fold.cpp ---
  // Folds all sealed generations, as one. False if there is none.
  [[nodiscard]] Result<bool> fold_next();
  // Is it time to (fold_policy.h)? Before that, waiting makes the fold cheaper a row.
  [[nodiscard]] bool fold_due() const;
  // Sorts one generation that waits for its fold, which then begins with less to do; takes no lock.
  // False if all are sorted.
  [[nodiscard]] bool sort_sealed() const;
  // All that were sealed before the call. What writers seal meanwhile is not waited for, or those
  // that never stop would keep a flush or a close for ever.
  [[nodiscard]] Result<void> fold_all();

  // --- rewrite.cpp: steps of the maintenance thread. False: nothing to do. ---
  [[nodiscard]] Result<bool> rewrite_queued();
  // Queues what no compaction has pointed out: in a quiet store there is none for a long time.
  void queue_overdue();
  [[nodiscard]] Result<bool> rewrite_index_container();
  // Writes down which index families were found damaged since.
  [[nodiscard]] Result<bool> settle_indexes();
  [[nodiscard]] Result<bool> apply_clears();
  [[nodiscard]] Result<bool> build_filters();
  // Key filters take what they need, up to their most, and the block cache has what they leave.
  // Under the lock.
  void fit_filters();

  // --- optimize.cpp, rebuild.cpp, compact.cpp ---
  // Waits until another one has ended.
  [[nodiscard]] Result<OptimizationResults> optimize(ProgressSink* progress);
  [[nodiscard]] Result<void> rebuild_indexes(ProgressSink* progress);
  // Only the families that are not complete; how many those were.
  [[nodiscard]] Result<std::size_t> rebuild_incomplete(ProgressSink* progress);
  [[nodiscard]] Result<CompactionResults> compact(ProgressSink* progress);

  // The current version sees index containers as they were merged last: those who measure them ask.
  [[nodiscard]] Result<void> show_merged_indexes();

  // Writes the directory pages of changed groups (a clean close, after optimize).
  [[nodiscard]] Result<void> write_directory();

  // On disk, unless it is there, before what needs it; in a store that an older version made.
  [[nodiscard]] Result<void> raise(Feature feature);

 private:
  [[nodiscard]] Result<void> raise_locked(Feature feature);
  // The lock, once the version is what was committed last.
  [[nodiscard]] Result<std::unique_lock<std::mutex>> begin_step();
  [[nodiscard]] Result<bool> settle_indexes_locked();
  // Those that an optimize has left no block of, once nobody reads blocks of before. Under the
  // lock.
  [[nodiscard]] Result<void> drop_unneeded_dictionaries();
  // Writes what is under older keys anew.
  [[nodiscard]] Result<void> end_rotation(ProgressSink* progress, OptimizationResults& results);
  // The current version from now on looks at the backend as it is. Under the lock.
  [[nodiscard]] Result<void> renew_snapshot();
  [[nodiscard]] Result<void> renew_stale_snapshot();
  [[nodiscard]] Result<bool> let_go_of_older_versions();
  void mark_found_by_backend();
  [[nodiscard]] std::shared_ptr<const Directory> without_last_filters(const Directory& directory,
                                                                      std::size_t bytes_max);
  [[nodiscard]] Result<void> build_families(std::span<const Family> families,
                                            ProgressSink* progress);
  // The first rows of an empty store are cut into pieces of so many partitions.
  static constexpr std::size_t kSlicePartitions = 4;
  // A partition's part in a fold.
  struct FoldTarget {
    PartitionEntry entry;
    std::optional<ExceptionKey> upper;
    std::span<const DeltaRow* const> rows;
    bool rewrite = false;
  };

  [[nodiscard]] Result<void> fold_rows(const FoldInput& input, const ClearList& clears,
                                       Sequence as_of);
  [[nodiscard]] bool oversized(const PartitionEntry& entry) const noexcept;
  [[nodiscard]] bool worth_rewriting(const PartitionEntry& entry,
                                     std::span<const DeltaRow* const> rows) const;
  [[nodiscard]] Result<void> assign_property_ids(std::span<const PropertyHash> properties);
  // Neighbouring targets, and the jobs of those that are rewritten.
  struct FoldWindow {
    std::vector<FoldTarget> targets;
    std::vector<RepartitionJob> jobs;
    std::vector<std::optional<StorageError>> failed;  // by job
  };
  [[nodiscard]] std::vector<FoldTarget> next_targets(const Directory& directory,
                                                     std::span<const DeltaRow* const> rows,
                                                     std::size_t& next) const;
  [[nodiscard]] Result<void> begin_window(FoldWindow& window,
                                          const RepartitionJob::Settings& settings);
  [[nodiscard]] Result<void> prepare_encoding(std::span<const PropertyHash> properties,
                                              const Directory& directory,
                                              std::span<const FoldTarget> first_window,
                                              std::span<const DeltaRow* const> rows);
  // --- learn.cpp: what the store finds out about its records ---
  // Before a window of a fold of `rows` is cut, the first time that there is enough to learn from.
  [[nodiscard]] Result<void> learn_from_fold(const Directory& directory,
                                             std::span<const FoldTarget> window,
                                             std::span<const DeltaRow* const> rows);
  // From all of it. True: there is a new dictionary.
  [[nodiscard]] Result<bool> learn_from_store();
  // What rows that are measured point into is in `keep`.
  [[nodiscard]] Result<TuningSample> sample_store(
      const Directory& directory, bool choosing,
      std::vector<std::shared_ptr<const PartitionImage>>& keep) const;
  // Chooses, and has it in force and on disk. True: there is a new dictionary.
  [[nodiscard]] Result<bool> choose_from(const TuningSample& sample, Moment moment);
  [[nodiscard]] Result<bool> train_dictionary_from(std::span<const std::string> samples, int level);
  [[nodiscard]] Result<void> commit_window(FoldWindow& window, Sequence as_of,
                                           PartitionCommit& commit);

  // Reads the containers of the jobs' partitions in one sorted read.
  [[nodiscard]] Result<void> read_containers(std::vector<OldPartition*>& partitions);
  // Prepares and encodes jobs on all threads, and calls `beside` once on one of them meanwhile.
  // `failed[i]` holds why job i could not be done.
  struct Encoding {
    std::shared_ptr<const LayoutInForce> made_by;  // whose codecs these are
    const CodecRegistry* codecs = nullptr;
    CodecId codec = 0;
    std::shared_ptr<const CompressionDictionary> dictionary;
  };
  void run_jobs(std::vector<RepartitionJob>& jobs, const Encoding& encoding,
                std::vector<std::optional<StorageError>>& failed,
                const std::function<void()>& beside = {});
  [[nodiscard]] Encoding normal_encoding() const;
  [[nodiscard]] Encoding encoding_of(std::shared_ptr<const LayoutInForce> made_by,
                                     bool dense) const;
  [[nodiscard]] RepartitionJob::Settings settings(const ClearList& clears, Sequence as_of,
                                                  double slack) const;

  // That rewriting a partition takes, about: its container, what is in it, and the new one.
  [[nodiscard]] static std::size_t step_bytes(const PartitionEntry& entry) noexcept {
    return entry.raw_bytes + std::size_t{2} * entry.bytes;
  }
  // Partitions that a step may have in memory, as long as their step_bytes are no more than
  // MemoryPlan::fold_bytes.
  [[nodiscard]] std::size_t partitions_per_step(std::size_t most) const noexcept;
  struct Rewritten {
    std::size_t partitions = 0;
    std::size_t skipped = 0;  // they cannot be read, stay as they are, and are noted
    std::optional<StorageError> first_error;
  };
  // Rewrites runs of neighbouring partitions; used by the steps above.
  [[nodiscard]] Result<Rewritten> rewrite(std::vector<std::vector<OldPartition>> groups,
                                          const Encoding& encoding, double slack);
  // Of one partition: all others go on, so no write has to fail for it.
  void note_failure(const StorageError& error) {
    core_.background_errors.notify(error, core_.counters);
  }

  Core& core_;
  RewriteQueue& queue_;
  const std::function<void()> on_folded_;
  Turns optimizing_;  // before mutex_
  std::mutex mutex_;
  Publication publication_;
  DirectoryMarks marks_;
  bool snapshot_stale_ = false;  // index containers were merged since it was taken
  // By index_slot: the last era in which queries could read the family (Version::index_era).
  std::array<std::weak_ptr<const bool>, kIndexCount> last_read_;
  std::uint64_t records_at_last_lesson_ = 0;
  // No block of the current version names a dictionary with a smaller id than `end` but `kept`.
  struct UnneededDictionaries {
    std::uint32_t end = 0;
    std::uint32_t kept = 0;  // 0: none
  };
  std::optional<UnneededDictionaries> unneeded_;
  std::set<ExceptionKey> unreadable_;  // partitions that failed a rewrite: not tried again
};

}  // namespace caveat
