// The engine: what a StorageOptimizer is made of.
//
// Commits (CommitQueue) and maintenance (Mutator) meet only in the VersionSet; reads use versions
// alone. Lock order: mutator, commit queue, version set.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "caveat/query.h"
#include "caveat/snapshot.h"
#include "caveat/statistics.h"
#include "caveat/write_batch.h"
#include "engine/maintenance/health_thread.h"
#include "engine/maintenance/maintenance_thread.h"
#include "engine/maintenance/mutator.h"
#include "engine/maintenance/rewrite_queue.h"
#include "engine/store/commit_queue.h"
#include "engine/store/core.h"
#include "engine/store/partition_reader.h"

namespace caveat {

class Engine final : public PartitionReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Engine>> open(std::unique_ptr<KvBackend> backend,
                                                            Options options);
  ~Engine() override;
  [[nodiscard]] Result<void> close();

  // Limits and sense of the options; the message names the field.
  [[nodiscard]] static Result<void> check(const Options& options);
  [[nodiscard]] static Result<void> check(const WriteOptions& options);

  // --- engine_write.cpp ---
  [[nodiscard]] Result<void> commit(const WriteBatch& batch, const WriteOptions& options);
  // Of parts that have rows; none is an empty batch.
  [[nodiscard]] Result<void> commit(RowsParts parts, const WriteOptions& options);
  // Folds a delta that is full, where nobody else does.
  [[nodiscard]] Result<void> make_room();
  // What `decide` makes of what is there: a row to write (in the batch), or none.
  using Decide = std::function<Result<bool>(const std::optional<Exception>& there, WriteBatch&)>;
  // Gives what was there.
  [[nodiscard]] Result<std::optional<Exception>> commit_checked(const ExceptionKey& key,
                                                                const Decide& decide,
                                                                const WriteOptions& options);
  // Was there anything?
  [[nodiscard]] Result<bool> erase(const ExceptionKey& key, const WriteOptions& options);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<OptimizationResults> optimize(ProgressSink* progress);
  [[nodiscard]] Result<void> rebuild_indexes(ProgressSink* progress);
  [[nodiscard]] Result<CompactionResults> compact(ProgressSink* progress);
  [[nodiscard]] Result<std::size_t> forget_lost_writes();

  // --- engine_read.cpp ---
  [[nodiscard]] Result<bool> contains(const ExceptionKey& key, const Snapshot* snapshot) const;
  [[nodiscard]] Result<bool> has_exceptions(NodeId node, const Snapshot* snapshot) const;
  [[nodiscard]] Result<std::optional<Exception>> retrieve(const ExceptionKey& key,
                                                          const Snapshot* snapshot) const;
  [[nodiscard]] Result<std::optional<PinnedException>> retrieve_view(
      const ExceptionKey& key, const Snapshot* snapshot) const;
  [[nodiscard]] Result<std::vector<std::optional<Exception>>> bulk_retrieve(
      std::span<const ExceptionKey> keys, const Snapshot* snapshot) const;

  [[nodiscard]] std::shared_ptr<const ReadView> view() const { return core_.versions.view(); }
  [[nodiscard]] QueryContext query_context() const {
    return {*this,
            *core_.indexes,
            core_.catalogue,
            core_.query_counters,
            core_.candidate_cache,
            core_.memory.block_cache / BlockCache<PartitionImage>::kTypicalEntryBytes / 8};
  }

  // PartitionReader
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> load(
      const Version& version, Directory::Position position, CacheUse use,
      BlockForm form = BlockForm::columns) const override;
  [[nodiscard]] Result<std::vector<std::shared_ptr<const PartitionImage>>> load_many(
      const Version& version, std::span<const Directory::Position> positions, CacheUse use,
      BlockForm form = BlockForm::columns) const override;
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> with_columns(
      const Version& version, Directory::Position position,
      std::shared_ptr<const PartitionImage> image, CacheUse use) const override;
  [[nodiscard]] std::shared_ptr<const PartitionImage> note_rows_read(
      const Version& version, Directory::Position position,
      const std::shared_ptr<const PartitionImage>& image, CacheUse use) const override;
  [[nodiscard]] std::optional<Directory::Position> find_partition(const Version& version,
                                                                  PartitionId id) const override;
  void index_damaged(const Version& version, Family family,
                     const StorageError& error) const override;

  // --- engine_statistics.cpp ---
  [[nodiscard]] Result<StorageStatistics> statistics();
  [[nodiscard]] StorageStatistics estimate_statistics() const;
  [[nodiscard]] Result<std::vector<ColumnStatistics>> column_statistics() const;
  [[nodiscard]] bool skips(const StorageError& error, const ExceptionKey& lower) const;

  // --- engine_metrics.cpp ---
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] const BlockResolver& block_resolver() const noexcept { return core_.dictionaries; }

  [[nodiscard]] Core& core() noexcept { return core_; }
  [[nodiscard]] const Core& core() const noexcept { return core_; }
  [[nodiscard]] Mutator& mutator() noexcept { return mutator_; }
  // Has the maintenance thread nothing left to do? Clears that it will fold soon count; other rows
  // of the delta may stay there (tests).
  [[nodiscard]] bool maintenance_idle() const;
  // For tests: what the thread does now and then.
  void look_at_health() { health_.look(); }
  void set_idle_fold_times(const IdleFoldTimes& times) { maintenance_.set_idle_fold_times(times); }

 private:
  Engine(std::unique_ptr<KvBackend> backend, Options options);

  template <class Read, class Choose>
  [[nodiscard]] auto commit_if_unchanged(const ExceptionKey& key, const Read& read,
                                         const Choose& decide, const WriteOptions& options)
      -> decltype(read());
  [[nodiscard]] Result<void> fold_and_settle();
  void log_opened(std::int64_t took_ns) const;

  // --- recovery.cpp ---
  [[nodiscard]] Result<void> recover();

  struct Found;  // where a point read found its record
  // False, and nothing found, where there is none.
  [[nodiscard]] Result<bool> find(const Version& version, Sequence ceiling, const ExceptionKey& key,
                                  bool want_record, Found& found) const;
  [[nodiscard]] Result<BlockStatistics> block_statistics(std::string_view bytes) const;
  template <class Use>
  [[nodiscard]] auto with_version(const Snapshot* snapshot, const Use& use) const;
  [[nodiscard]] Result<bool> node_has_exceptions(const Version& version, Sequence ceiling,
                                                 NodeId node) const;
  [[nodiscard]] BlockKey cache_key(const PartitionEntry& entry) const noexcept {
    return block_key(entry.id, entry.version);
  }
  template <class... Record>
  void keep_record(const Version& version, const Found& found, const Record&... record) const;
  // Of a partition that is not in the cache.
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> read_image(
      const Version& version, Directory::Position position, CacheUse use, BlockForm form) const;
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> open_image(
      std::string container, const Version& version, Directory::Position position, CacheUse use,
      BlockForm form) const;
  [[nodiscard]] bool keeps_keys(const Directory& directory) const noexcept;
  void keep_image(const Version& version, Directory::Position position,
                  const std::shared_ptr<const PartitionImage>& image, CacheUse use) const;
  // At each read of rows out of an image with its keys alone. One with columns now and then.
  std::shared_ptr<const PartitionImage> earn_columns(const BlockKey& key,
                                                     const PartitionImage& image) const;

  mutable Core core_;
  RewriteQueue queue_;
  Mutator mutator_;
  CommitQueue commits_;
  mutable MaintenanceThread maintenance_;
  HealthThread health_;
  std::atomic<bool> closed_{false};
  bool released_ = false;  // and the backend is closed, too; of close()
  std::mutex close_mutex_;
};

}  // namespace caveat
