// optimize_storage: the store in its best long-term shape.
//
// Folds what is pending, trains a dictionary on samples of the whole, then rewrites all partitions
// in key order, cut to full size and compressed at the dense level, and merges every index
// container. Linear in the size of the store; each step is committed by itself, so it may be
// cancelled or killed at any point. One at a time: what it rewrites names its dictionary until it
// has passed all partitions, and another one would drop that as an older one.
#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/encryption/encrypted_backend.h"
#include "engine/maintenance/index_marks.h"
#include "engine/maintenance/mutator.h"
#include "engine/partition/container.h"
#include "engine/store/event_log.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

constexpr std::size_t kPartitionsPerJob = 32;
constexpr std::size_t kPartitionsPerOptimizeStepMax = 512;

struct Sizes {
  std::uint64_t containers = 0;  // primary
  std::uint64_t raw = 0;
  std::uint64_t indexes = 0;
};

Result<Sizes> measure(Core& core) {
  Sizes sizes;
  const auto version = core.versions.current();
  if (!version) return closed_error();
  for (const auto& group : version->directory->groups()) {
    for (const auto& entry : group->entries) {
      sizes.containers += entry.bytes;
      sizes.raw += entry.raw_bytes;
    }
  }
  for (const Family family : kIndexFamilies) {
    if (!version->index_complete[static_cast<std::size_t>(family)]) continue;
    const auto statistics = core.indexes->statistics(family, version->backend_snapshot.get());
    if (statistics) {
      sizes.indexes += statistics->bytes;
    } else if (statistics.error().code() == ErrorCode::corruption) {
      mark_index_damaged(core, *version, family, statistics.error());
    } else {
      return fail(statistics.error());
    }
  }
  return sizes;
}

bool go_on(ProgressSink* progress, std::string_view stage, std::uint64_t done,
           std::uint64_t total) {
  return progress == nullptr || progress->on_progress({stage, done, total});
}

tl::unexpected<StorageError> cancelled() {
  return fail(ErrorCode::cancelled, "optimize: stopped by its caller; what was done stays");
}

double ratio(const Sizes& sizes) {
  return sizes.containers == 0
             ? 1.0
             : static_cast<double>(sizes.raw) / static_cast<double>(sizes.containers);
}

}  // namespace

Result<OptimizationResults> Mutator::optimize(ProgressSink* progress) {
  Turns own;
  Turns& turns = CAVEAT_PLANTED(optimizes_side_by_side) ? own : optimizing_;
  const Turns::Turn turn = turns.take([&] { return go_on(progress, "wait", 0, 0); });
  if (!turn) return cancelled();
  const std::int64_t started = steady_now_ns();
  OptimizationResults results;
  const std::uint64_t splits = core_.counters.splits.load();
  const std::uint64_t joins = core_.counters.joins.load();
  const std::uint64_t stale = core_.counters.hints_removed.load();
  if (!go_on(progress, "fold", 0, 0)) return cancelled();
  CAVEAT_TRY(fold_all());
  while (true) {
    CAVEAT_ASSIGN(const bool more, apply_clears());
    if (!more) break;
  }
  Sizes before;
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    CAVEAT_TRY(renew_stale_snapshot());
    CAVEAT_ASSIGN(before, measure(core_));
    unreadable_.clear();  // tried again: the host may have registered the codec
  }
  results.bytes_before = before.containers + before.indexes;
  results.compression_ratio_before = ratio(before);

  bool trained = false;
  Encoding encoding;
  std::uint32_t dictionaries_end = 0;
  {
    if (!go_on(progress, "train dictionary", 0, 0)) return cancelled();
    CAVEAT_ASSIGN(const auto lock, begin_step());
    unneeded_.reset();  // one of them may be written with again
    CAVEAT_ASSIGN(trained, learn_from_store());
    results.dictionaries_trained = trained ? 1 : 0;
    // In the same step, or a fold might learn between the two.
    encoding = encoding_of(core_.tuning.now(), true);
    dictionaries_end = core_.dictionaries.next_id();
  }
  CAVEAT_SYNC_POINT(optimize_trained);

  // In key order, by bounds: whatever changes meanwhile, the walk goes on where it was.
  std::optional<ExceptionKey> at = ExceptionKey{};
  while (at) {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    const auto version = core_.versions.current();
    if (!version) return closed_error();
    const Directory& directory = *version->directory;
    if (directory.empty()) break;
    if (!go_on(progress, "rewrite", results.partitions_rewritten, directory.partition_count())) {
      return cancelled();
    }
    std::vector<std::vector<OldPartition>> groups;
    auto position = directory.locate(*at);
    std::size_t left = partitions_per_step(kPartitionsPerOptimizeStepMax);
    std::size_t bytes = 0;
    const auto room = [&] { return left > 0 && bytes < core_.memory.fold_bytes; };
    while (position != directory.end() && room()) {
      std::vector<OldPartition> group;
      while (position != directory.end() && room() && group.size() < kPartitionsPerJob) {
        --left;
        OldPartition old;
        old.entry = directory.at(position);
        old.upper = directory.upper_bound(position);
        bytes += step_bytes(old.entry);
        at = old.upper;
        group.push_back(std::move(old));
        position = directory.next(position);
      }
      groups.push_back(std::move(group));
    }
    CAVEAT_ASSIGN(const auto did, rewrite(std::move(groups), encoding, 1.0));
    results.partitions_rewritten += did.partitions;
    results.partitions_skipped += did.skipped;
    if (!results.first_error) results.first_error = did.first_error;
    fit_filters();
  }

  if (!go_on(progress, "merge indexes", 0, 0)) return cancelled();
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    CAVEAT_TRY(core_.indexes->queue_all());
  }
  while (true) {
    CAVEAT_ASSIGN(const bool more, rewrite_index_container());
    if (!more) break;
    if (!go_on(progress, "merge indexes", 0, 0)) return cancelled();
  }
  if (auto rebuilt = rebuild_incomplete(progress)) {
    results.indexes_rebuilt = *rebuilt;
  } else if (is_damage(rebuilt.error().code())) {
    // Of a partition: the store is better than before, and queries go on scanning.
    note_failure(rebuilt.error());
    if (!results.first_error) results.first_error = rebuilt.error();
  } else {
    return fail(rebuilt.error());
  }
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    // Of those that were there before, no block names another one any more. (Where the store found
    // that none is worth it, a fold may have learnt better since.)
    if ((trained || !encoding.dictionary) && unreadable_.empty()) {
      unneeded_ = {dictionaries_end, encoding.dictionary ? encoding.dictionary->id : 0};
    }
    CAVEAT_TRY(drop_unneeded_dictionaries());
  }
  CAVEAT_TRY(write_directory());
  if (core_.encrypted != nullptr && core_.encrypted->rotating()) {
    CAVEAT_TRY(end_rotation(progress, results));
  }

  Sizes after;
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    CAVEAT_TRY(renew_stale_snapshot());
    CAVEAT_ASSIGN(after, measure(core_));
  }
  results.bytes_after = after.containers + after.indexes;
  results.compression_ratio_after = ratio(after);
  results.memory_saved =
      results.bytes_before > results.bytes_after ? results.bytes_before - results.bytes_after : 0;
  results.partitions_split = core_.counters.splits.load() - splits;
  results.partitions_joined = core_.counters.joins.load() - joins;
  results.hints_removed = core_.counters.hints_removed.load() - stale;
  // Such work comes seldom: what it had at hand is not kept for the next.
  core_.pool.trim();
  core_.heap_spare.give_back();
  results.duration_ns = static_cast<std::uint64_t>(steady_now_ns() - started);
  return results;
}

// A point read holds no view, and still reads what its version looks at, as a cursor does.
Result<void> Mutator::drop_unneeded_dictionaries() {
  if (!unneeded_ || !core_.versions.held().empty()) return {};
  CAVEAT_TRY(core_.dictionaries.drop_below(unneeded_->end, unneeded_->kept, *core_.backend));
  unneeded_.reset();
  return {};
}

// What the steps before have rewritten is under the current key already; the rest is looked up.
// Then the files are rewritten, since the purpose is that no old byte is left.
Result<void> Mutator::end_rotation(ProgressSink* progress, OptimizationResults& results) {
  CAVEAT_ASSIGN(const auto done, core_.encrypted->reencrypt([&](Family, std::uint64_t values) {
    return go_on(progress, "encrypt anew", values, 0);
  }));
  results.values_reencrypted = done.values;
  if (done.first_unreadable) {
    // The older keys stay on the list: somebody may want to know that they are needed.
    const StorageError error = done.first_unreadable->within("encrypting anew");
    note_failure(error);
    if (!results.first_error) results.first_error = error;
    return {};
  }
  // What a version of before is held for, a compaction takes over into the new files: by a view
  // that may have ended when these are written.
  CAVEAT_ASSIGN(const bool alone, let_go_of_older_versions());
  if (!alone) return {};
  CAVEAT_ASSIGN(const auto compacted, compact(progress));
  static_cast<void>(compacted);
  // Views that came meanwhile see nothing older, but may keep the older files on the disk.
  if (core_.versions.open_views() != 0) return {};
  CAVEAT_TRY(core_.backend->flush());
  return core_.encrypted->forget_older_keys();
}

// Merged index containers and directory pages are written without a new version: what they replaced
// stays on disk, and is what statistics count, as long as the current version's snapshot is from
// before.
Result<void> Mutator::renew_snapshot() {
  if (!core_.versions.current()) return closed_error();
  CAVEAT_ASSIGN(auto snapshot, core_.backend->snapshot());
  core_.versions.update([&](Version& version) { version.backend_snapshot = std::move(snapshot); });
  snapshot_stale_ = false;
  return {};
}

// After it only versions can be held in which all is as it is stored now. False: others still are.
Result<bool> Mutator::let_go_of_older_versions() {
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    CAVEAT_TRY(renew_snapshot());
  }
  // Point reads that have begun are short.
  for (int tries = 0; tries < 100; ++tries) {
    if (core_.versions.held().empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

Result<void> Mutator::renew_stale_snapshot() {
  return snapshot_stale_ ? renew_snapshot() : Result<void>();
}

Result<void> Mutator::show_merged_indexes() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  return renew_stale_snapshot();
}

Result<CompactionResults> Mutator::compact(ProgressSink* progress) {
  const std::int64_t started = steady_now_ns();
  CompactionResults results;
  CAVEAT_ASSIGN(const auto before, core_.backend->properties());
  results.disk_bytes_before = before.total_disk_bytes;
  CAVEAT_TRY(write_directory());
  {
    CAVEAT_ASSIGN(const auto lock, begin_step());
    CAVEAT_TRY(renew_snapshot());
  }
  std::uint64_t done = 0;
  std::optional<StorageError> damaged;
  for (const Family family : kFamilies) {
    // A damaged family has nothing to give back before it is rebuilt, and a backend that meets the
    // damage while it compacts may stop all writes.
    const auto version = core_.versions.current();
    if (!version) return closed_error();
    if (is_index_family(family) && !version->index_complete[static_cast<std::size_t>(family)]) {
      ++done;
      continue;
    }
    const auto keep_going = [&] {
      return go_on(progress, "compact " + std::string(to_string(family)), done, kFamilyCount);
    };
    if (!keep_going()) {
      return compaction_stopped();
    }
    const auto compacted = core_.backend->compact(family, keep_going);
    if (!compacted) {
      if (compacted.error().code() != ErrorCode::corruption) return fail(compacted.error());
      if (is_index_family(family)) {
        mark_index_damaged(core_, *version, family, compacted.error());
      } else if (!damaged) {
        damaged = compacted.error();  // what is sound elsewhere is compacted all the same
      }
    }
    ++done;
  }
  if (damaged) return fail(*damaged);
  CAVEAT_ASSIGN(const auto after, core_.backend->properties());
  results.disk_bytes_after = after.total_disk_bytes;
  if (results.disk_bytes_before > results.disk_bytes_after) {
    results.bytes_reclaimed = results.disk_bytes_before - results.disk_bytes_after;
  }
  results.duration_ns = static_cast<std::uint64_t>(steady_now_ns() - started);
  return results;
}

}  // namespace caveat
