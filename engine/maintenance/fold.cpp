// The fold: sealed generations, all that wait, go into partitions.
//
// Rows for a partition are appended to it as a run while they are few, and merged into a new block
// once enough have gathered: appending reads and decodes nothing. Chunks are committed one by one;
// meanwhile the generations go on shadowing their keys, so that readers see each row once, and
// after a crash the fold simply starts again. Last of all the generations are dropped from the log.
#include <algorithm>

#include "engine/delta/delta_record.h"
#include "engine/delta/merge_generation.h"
#include "engine/maintenance/clear_store.h"
#include "engine/maintenance/fold_policy.h"
#include "engine/maintenance/mutator.h"
#include "engine/partition/container.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

constexpr std::size_t kPendingRowsMax = 2 * kLongRunRows;  // of a partition before it is rewritten
// Of their bytes: whoever reads a neighbour reads them as well. In full partitions, but no less
// than the minimum.
constexpr std::size_t kPendingFullPartitions = 4;
constexpr std::size_t kPendingBytesMin = std::size_t{64} << 10;
constexpr std::size_t kWindowTargets = 1024;
constexpr double kFoldSlack = 1.25;

// Writers are let in as fast as the fold goes, while it does.
class PacedFold {
 public:
  PacedFold(WritePacer& pacer, std::size_t rows) : pacer_(pacer) {
    pacer_.begun(rows, steady_now_ns());
  }
  ~PacedFold() { pacer_.ended(steady_now_ns(), done_); }
  void done() noexcept { done_ = true; }
  PacedFold(const PacedFold&) = delete;
  PacedFold& operator=(const PacedFold&) = delete;

 private:
  WritePacer& pacer_;
  bool done_ = false;
};

// The greatest key that the partition has stored, its lower bound if it has none; nothing where it
// cannot be read.
std::optional<ExceptionKey> last_stored(const Core& core, const PartitionEntry& entry,
                                        const std::optional<ExceptionKey>& upper) {
  std::string container;
  const auto found =
      core.backend->get(Family::primary, encode_key(entry.lower), nullptr, container);
  if (!found || !*found) return std::nullopt;
  const auto image = PartitionImage::open(std::move(container), entry.lower, upper,
                                          core.dictionaries, core.catalogue);
  if (!image) return std::nullopt;
  const auto rows = (*image)->rows(ClearList());
  if (!rows) return std::nullopt;
  return rows->empty() ? entry.lower : (*image)->key(rows->back());
}

}  // namespace

bool Mutator::fold_due() const {
  const auto version = core_.versions.pin();
  if (!version || version->generations.size() < 2) return false;
  if (core_.counters.write_stall_since_ns.load(std::memory_order_relaxed) != 0) return true;
  FoldBacklog waiting;
  waiting.bytes = version->sealed_bytes();
  waiting.most = core_.sealed_bytes_max();
  for (std::size_t i = 1; i < version->generations.size(); ++i) {
    waiting.rows += version->generations[i]->rows();
    waiting.batches += version->generations[i]->batches();
  }
  waiting.stored =
      version->directory->partition_count() * core_.tuning.now()->layout.partition_records;
  return fold_is_due(waiting);
}

Result<bool> Mutator::fold_next() {
  const std::int64_t begun = steady_now_ns();
  std::uint64_t rows = 0;
  std::uint64_t folded = 0;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    if (!CAVEAT_PLANTED(fold_takes_no_lock)) {
      CAVEAT_ASSIGN(lock, begin_step());
    }
    const auto version = core_.versions.current();
    if (!version || version->generations.size() < 2) return false;
    CAVEAT_TRY(drop_unneeded_dictionaries());
    // All but the active one.
    const std::vector<std::shared_ptr<const Generation>> sealed(version->generations.begin() + 1,
                                                                version->generations.end());
    CAVEAT_SYNC_POINT(fold_begun);
    for (const auto& generation : sealed) rows += generation->rows();
    PacedFold paced(core_.pacer, rows);
    const FoldInput input = merge_generations(sealed, core_.workers);
    rows = input.rows.size();
    folded = sealed.size();
    Sequence as_of = version->folded_through;
    for (const auto& generation : sealed) as_of = std::max(as_of, generation->last_sequence());
    GenerationId youngest = sealed.front()->id();
    if (CAVEAT_PLANTED(log_dropped_first)) {
      KvBatch all;
      const auto range = delta_generation_range(core_.superblock.dropped_generation + 1, youngest);
      all.erase_range(Family::delta, range.first, range.second);
      CAVEAT_TRY(core_.backend->write(all, Durability::wal));
    }

    auto clears = std::make_shared<ClearList>(*version->clears);
    for (const DeltaClear& clear : input.clears) {
      if (clear.kind == RowKind::clear_node) {
        clears->add_node(clear.term, clear.sequence);
      } else {
        clears->add_property(clear.term, clear.sequence);
      }
    }
    Sequence claimed = as_of;
    if (CAVEAT_PLANTED(fold_claims_later_clears)) claimed = core_.versions.visible();
    if (CAVEAT_PLANTED(fold_claims_no_clears)) claimed = version->folded_through;
    CAVEAT_TRY(fold_rows(input, *clears, claimed));
    CAVEAT_SYNC_POINT(fold_committed);
    if (CAVEAT_PLANTED(fold_drops_too_much)) ++youngest;

    // Everything is in partitions: now, and not before, the log may forget it.
    Superblock superblock = core_.superblock;
    superblock.folded_through = as_of;
    superblock.dropped_generation = youngest;
    KvBatch batch;
    persist_clears(*version->clears, *clears, batch);
    superblock.partition_ids_end = core_.superblock.partition_ids_end;
    std::string bytes;
    superblock.encode(bytes);
    batch.put(Family::meta, kSuperblockKey, bytes);
    // Last: without the log only the superblock says which numbers are taken.
    const auto range = delta_generation_range(core_.superblock.dropped_generation + 1, youngest);
    batch.erase_range(Family::delta, range.first, range.second);
    // (A snapshot from before the drop would keep the dropped rows in the backend's files.)
    std::function<void(Version&)> change = [dropped = sealed.size(), clears, as_of](Version& next) {
      next.generations.resize(next.generations.size() - dropped);
      next.clears = clears;
      next.folded_through = as_of;
    };
    CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
    core_.superblock = superblock;
    CAVEAT_TRY(publication_.publish(std::move(change)));
    paced.done();
    fit_filters();
    core_.counters.folds.fetch_add(1, std::memory_order_relaxed);
  }
  on_folded_();
  core_.heap_spare.give_back();
  core_.log.send(Severity::info, "maintenance", "fold_done", "recent writes are in partitions",
                 {{"rows", rows},
                  {"generations", folded},
                  {"seconds", seconds_of_ns(steady_now_ns() - begun)}});
  return true;
}

Result<void> Mutator::fold_all() {
  CAVEAT_TRY(fold_next());
  return {};
}

bool Mutator::worth_rewriting(const PartitionEntry& entry,
                              std::span<const DeltaRow* const> rows) const {
  if (unreadable_.contains(entry.lower)) return false;
  const std::size_t pending = entry.run_rows + rows.size();
  if (entry.rows == 0 || pending > kPendingRowsMax || pending * 8 > entry.rows ||
      (entry.filter && entry.filter->crowded())) {
    return true;
  }
  // Last, for it looks at each row, of which there are few now.
  // (How much of a container its runs are is not known: a block is no larger than a few of them.)
  std::size_t pending_bytes = entry.run_rows != 0 ? entry.bytes : 0;
  for (const DeltaRow* row : rows) pending_bytes += row->length;
  return pending_bytes > std::max(kPendingBytesMin, kPendingFullPartitions *
                                                        core_.tuning.now()->layout.partition_bytes);
}

Result<void> Mutator::assign_property_ids(std::span<const PropertyHash> properties) {
  std::vector<PropertyHash> unknown;
  for (const auto property : properties) {
    if (!core_.catalogue.find(property)) unknown.push_back(property);
  }
  if (unknown.empty()) return {};
  CAVEAT_TRY(raise_locked(Feature::names_without_hashes));
  return core_.catalogue.assign(unknown, *core_.backend);
}

bool Mutator::sort_sealed() const {
  const auto version = core_.versions.current();
  if (!version) return false;
  // The oldest first: a fold takes them all, and those that come meanwhile.
  for (std::size_t i = version->generations.size(); i-- > 1;) {
    if (version->generations[i]->is_sorted()) continue;
    static_cast<void>(version->generations[i]->sorted());
    return true;
  }
  return false;
}

// Windows follow each other as in a pipeline: while one is committed, the next is encoded. They
// cover different keys, so neither sees what the other does.
Result<void> Mutator::fold_rows(const FoldInput& input, const ClearList& clears, Sequence as_of) {
  const std::span<const DeltaRow* const> rows(input.rows);
  // As it was before: what is committed meanwhile is left of where targets are still looked for.
  const auto directory = core_.versions.current()->directory;
  PartitionCommit commit(core_, marks_, publication_);
  std::optional<FoldWindow> encoded;
  std::size_t next = 0;
  while (next < rows.size()) {
    FoldWindow window;
    const bool first = next == 0;
    window.targets = next_targets(*directory, rows, next);
    CAVEAT_TRY(first ? prepare_encoding(input.properties, *directory, window.targets, rows)
                     : learn_from_fold(*directory, window.targets, rows));
    CAVEAT_TRY(begin_window(window, settings(clears, as_of, kFoldSlack)));
    Result<void> committed;
    run_jobs(window.jobs, normal_encoding(), window.failed, [&] {
      if (encoded) committed = commit_window(*encoded, as_of, commit);
    });
    CAVEAT_TRY(std::move(committed));
    core_.pacer.progressed(next, rows.size(), steady_now_ns());
    encoded = std::move(window);
  }
  if (encoded) CAVEAT_TRY(commit_window(*encoded, as_of, commit));
  return commit.empty() ? Result<void>() : commit.commit();
}

// The targets of the next rows, up to a window's size; `next` moves behind those rows.
std::vector<Mutator::FoldTarget> Mutator::next_targets(const Directory& directory,
                                                       std::span<const DeltaRow* const> rows,
                                                       std::size_t& next) const {
  const std::size_t window_rows_max = core_.memory.window_rows / 2;  // two are under way
  const std::size_t window_bytes_max = core_.memory.fold_bytes / 2;
  std::vector<FoldTarget> targets;
  std::size_t window_rows = 0;
  std::size_t window_bytes = 0;
  while (next < rows.size() && window_rows < window_rows_max && window_bytes < window_bytes_max &&
         targets.size() < kWindowTargets) {
    FoldTarget target;
    std::size_t end = next;
    if (directory.empty()) {
      // Any cut will do, as long as the pieces are even.
      const std::size_t slices =
          1 + rows.size() / (kSlicePartitions * core_.tuning.now()->layout.partition_records);
      std::size_t slice = next * slices / rows.size();
      while (end <= next) end = rows.size() * ++slice / slices;
      if (next != 0) target.entry.lower = rows[next]->key;
      if (end < rows.size()) target.upper = rows[end]->key;
    } else {
      const auto position = directory.locate(rows[next]->key);
      target.entry = directory.at(position);
      target.upper = directory.upper_bound(position);
      while (end < rows.size() && (!target.upper || rows[end]->key < *target.upper)) ++end;
      // Many rows behind all that a partition has, as where nodes are numbered when they come,
      // would be one job on one thread, larger than any window: they are cut as an empty store's.
      const bool behind = next > 0 && target.entry.lower <= rows[next - 1]->key;
      const std::size_t slice = kSlicePartitions * core_.tuning.now()->layout.partition_records;
      std::size_t cut = end;
      if (end - next > 2 * slice) {
        cut = next + slice;
        if (!behind) {
          const auto stored = last_stored(core_, target.entry, target.upper);
          while (cut < end && (!stored || rows[cut]->key <= *stored)) ++cut;
        }
      }
      if (behind) {
        target.entry = PartitionEntry();
        target.entry.lower = rows[next]->key;
      }
      if (cut < end) target.upper = rows[cut]->key;
      end = cut;
    }
    target.rows = rows.subspan(next, end - next);
    target.rewrite = worth_rewriting(target.entry, target.rows);
    if (target.rewrite) {
      window_rows += target.entry.rows + target.rows.size();
      window_bytes += step_bytes(target.entry);  // the rows are in memory already
    }
    next = end;
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<void> Mutator::begin_window(FoldWindow& window,
                                   const RepartitionJob::Settings& job_settings) {
  for (const FoldTarget& target : window.targets) {
    if (!target.rewrite) continue;
    std::vector<OldPartition> old(1);
    old[0].entry = target.entry;
    old[0].upper = target.upper;
    window.jobs.emplace_back(std::move(old), target.rows, job_settings);
  }
  std::vector<OldPartition*> stored;
  for (auto& job : window.jobs) {
    if (job.old()[0].entry.id != 0) stored.push_back(&job.old()[0]);
  }
  return read_containers(stored);
}

// What blocks of the fold refer to: ids of all its properties, and a dictionary.
Result<void> Mutator::prepare_encoding(std::span<const PropertyHash> properties,
                                       const Directory& directory,
                                       std::span<const FoldTarget> first_window,
                                       std::span<const DeltaRow* const> rows) {
  Result<void> done[2];
  core_.workers.parallel_for(2, [&](std::size_t i) {
    done[i] =
        i == 0 ? assign_property_ids(properties) : learn_from_fold(directory, first_window, rows);
  });
  CAVEAT_TRY(std::move(done[0]));
  return std::move(done[1]);
}

Result<void> Mutator::commit_window(FoldWindow& window, Sequence as_of, PartitionCommit& commit) {
  if (!window.jobs.empty()) CAVEAT_TRY(raise_locked(Feature::frames_of_rows));
  std::size_t job = 0;
  for (const FoldTarget& target : window.targets) {
    if (target.rewrite) {
      const std::size_t mine = job++;
      const auto& failed = window.failed[mine];
      if (!failed) {
        commit.replace(window.jobs[mine]);
      } else if (target.entry.id == 0 || CAVEAT_PLANTED(fold_stops_at_unreadable)) {
        return fail(*failed);
      } else {
        // A block that cannot be read must not hold up the fold: its news waits beside it.
        unreadable_.insert(target.entry.lower);
        note_failure(*failed);
        commit.append(target.entry, target.upper, target.rows, as_of);
      }
    } else {
      commit.append(target.entry, target.upper, target.rows, as_of);
    }
    if (commit.full()) CAVEAT_TRY(commit.commit());
  }
  return {};
}

}  // namespace caveat
